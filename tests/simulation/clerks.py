"""Operators who are people: they enrol a phone, and log in with its codes."""

from __future__ import annotations

from functools import partial
from random import Random

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.authenticators import FACTOR_PATH, STEP, Authenticator, FactorRequests
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.intruders import Intruders
from tests.simulation.market import TRADING_SECONDS
from tests.simulation.protections import LONG_AGO, REFUSALS
from tests.simulation.scenario import Action, Trader
from tests.simulation.sessions import CLERK, Sessions

ENROLLING = 0.25
"""The part of the runs in which the clerk enrols."""


def enrolments(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """In a part of the runs, the clerk enrols a phone and looks at a client."""
    is_done, at = random.random() < ENROLLING, random.random() * TRADING_SECONDS
    fields = {"client": random.choice(traders).client_id}
    return [Action(at, CLERK, "enrol", fields)] if is_done else []


class Clerks:
    """Enrols, looks at a client with a token by a code, and tries what must be refused."""

    def __init__(
        self, cloud: Cloud, sessions: Sessions, trail: AuditTrail, intruders: Intruders
    ) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._trail = trail
        self._intruders = intruders
        self._requests = FactorRequests(cloud, sessions, trail)

    def enrol(self, action: Action) -> None:
        """The secret alone enrols the first phone, and nothing else."""
        self._intruders.tried(action, self._requests.log_in(CLERK), {403})
        phone = self._requests.enrol(CLERK, {})
        if phone is None:
            return
        self._intruders.tried(action, self._requests.log_in(CLERK), {403})
        code, token = self._requests.log_in_with(CLERK, phone)
        if token:
            self._look(action, token)
            self._intruders.tried(action, self._requests.log_in(CLERK, code), REFUSALS)
        self._steal(action, phone)

    def _steal(self, action: Action, phone: Authenticator) -> None:
        """A thief has the secret, and codes that are not valid."""
        process = current()
        assert process is not None
        process.sleep((LONG_AGO + 2) * STEP)
        wrong = phone.wrong(0)
        early = phone.of(-LONG_AGO)
        for code in (phone.of(LONG_AGO), early, wrong):
            answer = self._requests.log_in(CLERK, code)
            if code != early or not phone.has_come(early):
                self._intruders.tried(action, answer, REFUSALS)
        for body, refused_with in (({}, {403}), ({"code": wrong}, REFUSALS)):
            answer = self._requests.send(CLERK, "POST", FACTOR_PATH, body)
            self._intruders.tried(action, answer, refused_with)

    def _look(self, action: Action, token: str) -> None:
        process = current()
        assert process is not None
        client_id = action.fields["client"]
        path = f"/api/v1/admin/clients/{client_id}"
        headers = {"Authorization": f"Bearer {token}"}
        name = f"clerk looks {self._sessions.next_number()}"
        request = Request("internal", "GET", path, headers, b"", name)
        answer: Answer = process.wait(partial(self._cloud.api.send, request))
        if answer.status == 200:
            self._trail.looked(client_id, CLERK, path)
        self._intruders.tried(action, answer, {200})
