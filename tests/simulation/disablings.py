"""Operators and keys that are disabled, and come back."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.intruders import Intruders
from tests.simulation.leaks import Leaks
from tests.simulation.market import TRADING_SECONDS
from tests.simulation.scenario import Action, Trader
from tests.simulation.sessions import DEPUTY, LOGIN_PATH, OPERATOR, Sessions

SPARE = "spare"
"""A further API key of a client, which nobody else uses."""
ADMIN = "/api/v1/admin"
TRIES = 6


def disablings(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """In a part of the runs, an operator, a key of a client, or an operator's own status."""
    is_tried, at = random.random() < 0.4, random.random() * TRADING_SECONDS
    who, client_id = random.choice((DEPUTY, SPARE, OPERATOR)), traders[0].client_id
    return [Action(at, who, "disable", {"client": client_id})] if is_tried else []


class Disablings:
    """Disables and enables, and tries the tokens from before."""

    def __init__(
        self,
        cloud: Cloud,
        sessions: Sessions,
        trail: AuditTrail,
        intruders: Intruders,
        leaks: Leaks,
    ) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._trail = trail
        self._intruders = intruders
        self._leaks = leaks

    def disable(self, action: Action) -> None:
        """Disable, and try what must be refused from then on; enable, and try it again."""
        who, client_id = action.who, action.fields["client"]
        if who == OPERATOR:
            answer = self._change(action, f"operators/{OPERATOR}", "disable")
            self._intruders.tried(action, answer, {403})
            return
        token = self._sessions.token(who, fresh=True)
        subject = f"operators/{who}" if who == DEPUTY else f"clients/{client_id}/keys/key-{who}"
        if token is None or self._change(action, subject, "disable").status != 200:
            return
        named = f"operator/{who}" if who == DEPUTY else f"client/{client_id}"
        for word in ("disable" if who == DEPUTY else "disable-key", "disabled"):
            self._trail.require(named, word)
        self._refused(action, token)
        self._intruders.tried(action, self._log_in(who), {403})
        if self._change(action, subject, "enable").status != 200:
            return
        self._refused(action, token)
        if who == DEPUTY and (renewed := self._sessions.token(who, fresh=True)):
            self._intruders.tried(action, self._look(client_id, renewed), {200})

    def _change(self, action: Action, subject: str, change: str) -> Answer:
        path, key = f"{ADMIN}/{subject}/{change}", f"{change}-{action.at}"
        body: dict[str, Any] = {"reason": "simulated"}
        return self._sessions.request(OPERATOR, "PUT", path, key, body)

    def _refused(self, action: Action, token: str) -> None:
        """The token is refused. A client's is tried until a request was counted."""
        if action.who == SPARE:
            self._leaks.try_ended(action, token)
        else:
            answer = self._look(action.fields["client"], token)
            self._intruders.tried(action, answer, {401})

    def _look(self, client_id: str, token: str) -> Answer:
        process = current()
        assert process is not None
        headers = {"Authorization": f"Bearer {token}"}
        path, answer = f"{ADMIN}/clients/{client_id}", Answer(0)
        for _ in range(TRIES):
            name = f"deputy looks {self._sessions.next_number()}"
            request = Request("internal", "GET", path, headers, b"", name)
            answer = process.wait(partial(self._cloud.api.send, request))
            if answer.status == 200:
                self._trail.looked(client_id, DEPUTY, path)
            if 0 < answer.status < 500:
                break
        return answer

    def _log_in(self, who: str) -> Answer:
        key, body = f"disabled-{self._sessions.next_number()}", self._sessions.login(who).body
        return self._sessions.request(who, "POST", LOGIN_PATH, key, body)
