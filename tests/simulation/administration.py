"""An operator's requests to the admin API."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.simulation.acceptance import open_orders
from tests.simulation.api_gateway import Answer
from tests.simulation.authenticators import is_about_code, wants_code
from tests.simulation.cancels import Asked, check_kept
from tests.simulation.cloud import Cloud
from tests.simulation.items import Item
from tests.simulation.leaks import Leaks
from tests.simulation.oracle import StepOracle
from tests.simulation.proposals import SecondPersons
from tests.simulation.repeating import (
    Repeaters,
    is_kept_refusal,
    key_of_administration,
    respelled,
)
from tests.simulation.scenario import Action
from tests.simulation.sessions import OPERATOR, Sessions
from tests.simulation.transfers import TRANSFERS, check_booked, check_refused
from tests.simulation.violations import ViolationError


def check_refused_since(
    steps: StepOracle, path: str, body: Item, answer: Answer, began: float
) -> None:
    """A transfer was refused by the books of the client since then. Raises ViolationError."""
    check_refused(path, body, answer, steps.states(path.split("/")[1], began))


@dataclass
class Administration:
    """Sends the requests, and judges what they did."""

    cloud: Cloud
    sessions: Sessions
    steps: StepOracle
    asked: Asked
    leaks: Leaks
    second_persons: SecondPersons
    repeaters: Repeaters
    protected: set[str] = field(default_factory=set)
    """The clients whose withdrawals may need a code."""

    def administer(self, action: Action) -> None:
        """Send a request. Copies send the same one twice."""
        self.answer_to(action)

    def answer_to(self, action: Action) -> Answer:
        """The answer to a request, which is judged."""
        method, path, body = (action.fields[name] for name in ("method", "path", "body"))
        suspended = path.split("/")[1] if path.endswith("/suspension") else None
        open_before: list[str] = []
        token = None
        if suspended:
            open_before = [order["order_id"] for order in open_orders(self._orders(suspended))]
            self.asked.add_all(suspended, {}, self.cloud.engine.now)
            token = self.sessions.kept_token(suspended)
        what, key = path, key_of_administration(path, action.at)
        path = f"/api/v1/admin/{path}"
        began = self.cloud.engine.now
        answer = self.sessions.request(OPERATOR, method, path, key, body)
        self.cloud.log(OPERATOR, "administers", path, answer.status)
        if self._may_want_code(what, answer):
            return answer
        if answer.status not in (0, 200, 201, 202, 409, 422, 429) and answer.status < 500:
            raise ViolationError(
                "administration requests succeed", path, f"{answer.status} {answer.body!r}"
            )
        if suspended and answer.status == 200:
            orders = self._orders(suspended)
            check_kept((orders[order_id] for order_id in open_before), "client", "operator")
        if token and answer.status == 200:
            self.leaks.try_ended(action, token)
        if answer.status == 422:
            check_refused_since(self.steps, what, body, answer, began)
        if answer.status in (200, 201):
            self.steps.trail.answered(what, body)
            if what.split("/")[-1] in TRANSFERS:
                check_booked(what, body, answer, self.steps.ledger.entries)
        if answer.status == 202:
            self.second_persons.begin(action, body, answer)
        if answer.status in (200, 201, 202) or is_kept_refusal(answer):
            self.repeaters.administered[path, key] = (body, answer)
            self.repeaters.repeat_late(OPERATOR, method, path, key, respelled(body, 0))
        return answer

    def _may_want_code(self, path: str, answer: Answer) -> bool:
        """Whether a request may be answered so, because of a code of the client."""
        _, name, *what = path.split("/")
        is_protected = what == ["withdrawals"] and name in self.protected
        return is_protected and (wants_code(answer) or is_about_code(answer))

    def _orders(self, client_id: str) -> Item:
        """A client's orders as they stand in the books."""
        return self.steps.moments[client_id][-1].orders
