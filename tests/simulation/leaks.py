"""Thieves, who hold the token of a client, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import jwt

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.market import TRADING_SECONDS
from tests.simulation.scenario import Action, Trader
from tests.simulation.sessions import OPERATOR, Sessions

TRIES = 6
CLOCKS_DIFFER = 1.0
"""A worker's clock may be behind by less."""
Judge = Callable[[Action, Answer, set[int]], None]


def leaks(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """In a part of the runs, a client's token leaks, and perhaps its secret too."""
    actions = []
    for what, probability in (("leak a token", 0.2), ("leak a secret", 0.2)):
        happens, at = random.random() < probability, random.random() * TRADING_SECONDS
        who = random.choice(traders).client_id
        if happens:
            actions.append(Action(at, who, what, {}))
    return actions


class Leaks:
    """Uses tokens of others after their end."""

    def __init__(self, cloud: Cloud, sessions: Sessions, trail: AuditTrail, judge: Judge) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._trail = trail
        self._judge = judge

    def token(self, action: Action) -> None:
        """A thief uses a token until it expires, and once more while the verdict on it is kept."""
        token = self._sessions.token(action.who)
        if token is None:
            return
        process = current()
        assert process is not None
        expires_at: int = jwt.decode(token, options={"verify_signature": False})["exp"]
        process.sleep(max(0.0, expires_at - 5 - self._cloud.engine.now))
        self._use(action, token)
        process.sleep(max(0.0, expires_at + CLOCKS_DIFFER - self._cloud.engine.now))
        self._judge(action, self._use(action, token), {401})

    def secret(self, action: Action) -> None:
        """The operator replaces a secret at once, and a thief tries the token from before."""
        token = self._sessions.token(action.who)
        if self._rotate(action.who) and token:
            self.try_ended(action, token)

    def try_ended(self, action: Action, token: str) -> None:
        """Use a token that was ended.

        A request that could not be counted says nothing: the same write tells which tokens have
        ended, and an outage of its table must not stop trading.
        """
        for _ in range(TRIES):
            answer = self._use(action, token)
            if answer.status != 200 or "X-RateLimit-Limit" in answer.headers:
                self._judge(action, answer, {401})
                return

    def _rotate(self, client_id: str) -> bool:
        """Rotate without grace. Whether the secret before it has ended for sure."""
        api_key = self._sessions.login(client_id).api_key
        path = f"/api/v1/admin/clients/{client_id}/secret-rotation"
        body: dict[str, Any] = {"api_key": api_key, "grace_hours": 0, "reason": "simulated"}
        rotated = False
        for _ in range(TRIES):
            key = f"rotation-{self._sessions.next_number()}"
            answer = self._sessions.request(OPERATOR, "POST", path, key, body)
            if answer.status != 200:
                return rotated
            rotated = True
            if secret := answer.json()["api_secret"]:
                self._sessions.learn(client_id, secret)
                break
            body = {"api_key": api_key, "newest_was_lost": True, "reason": "simulated"}
        self._trail.require(f"client/{client_id}", "rotate-secret", api_key=api_key)
        return rotated

    def _use(self, action: Action, token: str) -> Answer:
        process = current()
        assert process is not None
        number = self._sessions.next_number()
        headers = {"Authorization": f"Bearer {token}"}
        request = Request(
            "public", "GET", "/api/v1/balance", headers, b"", f"{action.what} {number}"
        )
        answer: Answer = process.wait(partial(self._cloud.api.send, request))
        return answer
