"""Requests that must change nothing: HEAD, and those with a part that the route does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.simulation.cloud import Cloud
from tests.simulation.intruders import ORDERS_PATH
from tests.simulation.lists import LAGS
from tests.simulation.scenario import Action
from tests.simulation.sessions import Sessions
from tests.simulation.sights import Moment
from tests.simulation.violations import ViolationError, equal
from trading.domain import identifiers


class Slip(NamedTuple):
    """A request with one part too many, and the name by which the refusal must call it."""

    method: str
    path: str
    body: dict[str, Any] | None
    part: str


ORDER = {"stock_symbol": "KO", "quantity": 1, "order_type": "market", "side": "buy"}
ORDER |= {"time_in_force": "DAY"}
SLIPS = (
    Slip("DELETE", f"{ORDERS_PATH}?symbl=KO", None, "symbl"),
    Slip("DELETE", f"{ORDERS_PATH}?symbol=KO&symbol=IBM", None, "symbol"),
    Slip("DELETE", ORDERS_PATH, {"symbol": "KO"}, "body"),
    Slip("DELETE", f"{ORDERS_PATH}/{{order_id}}?dry_run=true", None, "dry_run"),
    Slip("DELETE", f"{ORDERS_PATH}/{{order_id}}", {"reason": "late"}, "body"),
    Slip("PATCH", f"{ORDERS_PATH}/{{order_id}}?dry_run=true", {"quantity": 17}, "dry_run"),
    Slip("PATCH", f"{ORDERS_PATH}/{{order_id}}", {"quantity": 17, "side": "buy"}, "side"),
    Slip("POST", f"{ORDERS_PATH}?validate_only=true", ORDER, "validate_only"),
    Slip("POST", ORDERS_PATH, ORDER | {"display_quantity": 1}, "display_quantity"),
    Slip("GET", f"{ORDERS_PATH}?stat=open", None, "stat"),
    Slip("GET", "/api/v1/balance?currency=USD", None, "currency"),
)
PEEKS = (
    f"{ORDERS_PATH}/{{order_id}}",
    f"{ORDERS_PATH}/{{key}}",
    f"{ORDERS_PATH}:by_client_order_id?client_order_id={{key}}",
    f"{ORDERS_PATH}?state=open",
    "/api/v1/balance",
)
"""Paths whose answers follow from the client's books alone."""


@dataclass(frozen=True)
class Probes:
    """Carries out the probes. `moments` are the states of each client's books."""

    cloud: Cloud
    sessions: Sessions
    moments: Mapping[str, Sequence[Moment]]

    def peek(self, action: Action) -> None:
        """HEAD is answered like the GET that follows it, without a body.

        The two are compared if the client's books stand still from before the first to the end of
        the second.
        """
        path, moments = _path_of(action, action.fields["path"]), self.moments[action.who]
        before, began = moments[-1], self.cloud.engine.now
        head = self.sessions.request(action.who, "HEAD", path, "head", None)
        if head.status not in (200, 404):
            return
        if head.body:
            raise ViolationError("HEAD is answered without a body", path, repr(head.body))
        whole = self.sessions.request(action.who, "GET", path, "get", None)
        still = moments[-1] is before and before.since < began - LAGS
        if whole.status not in (200, 404) or not still:
            return
        rule, name = "HEAD is answered like GET", f"{action.who} {path}"
        equal(rule, name, head.status, whole.status)
        if head.status == 200:  # a problem document has an id of its request
            said = (head.headers.get("ETag"), head.headers.get("Content-Length"))
            equal(rule, name, said, (whole.headers.get("ETag"), str(len(whole.body))))
        self.cloud.log(action.who, "peeked at", path, head.status)

    def slip(self, action: Action) -> None:
        """A request with a part that its route does not know is refused, and the part is named."""
        slip: Slip = action.fields["slip"]
        path, body = _path_of(action, slip.path), slip.body
        if slip.method == "POST" and body is not None:
            body = body | {"client_id": action.who}
        key = f"slip-{action.at}"
        answer = self.sessions.request(action.who, slip.method, path, key, body)
        self.cloud.log(action.who, "slipped", slip.method, path, answer.status)
        if answer.status in (0, 409, 429) or answer.status >= 500:
            return
        told = answer.json() if answer.status == 422 else {}
        named = [error["field"] for error in told.get("errors", ())]
        if told.get("code") != "VALIDATION_FAILED" or slip.part not in named:
            raise ViolationError(
                "what a route does not know is refused",
                f"{action.who} {slip.method} {path}",
                f"{answer.status} {answer.body!r}",
            )


def _path_of(action: Action, path: str) -> str:
    key = action.fields["key"]
    return path.format(order_id=identifiers.order_id(action.who, key), key=key)
