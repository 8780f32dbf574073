"""Operators who try to change somebody that is no client: themselves, an exchange, the broker.
Callers who log in at the API that their key is not for.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.simulation.intruders import Intruders
from tests.simulation.market import TRADING_SECONDS
from tests.simulation.scenario import Action, Trader
from tests.simulation.sessions import LOGIN_PATH, OPERATOR, Sessions

NO_CLIENTS = (OPERATOR, "XNYS", "depository", "error", "write-offs")
OPERATORS_KEY = "the key of the operator"
LIMITS = {"margin_percent": "100", "credit_limit": "0", "daily_trading_limit": "1", "version": 1}
PROFILE = {"name": "Nobody", "daily_trading_limit": "1", "settlement_account": "nobody"}


def usurpations(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """In a part of the runs, one attempt."""
    is_tried, at = random.random() < 0.4, random.random() * TRADING_SECONDS
    name, client_id = random.choice(NO_CLIENTS), random.choice(traders).client_id
    rotation = {"api_key": OPERATORS_KEY, "grace_hours": 0}
    method, path, body, status = random.choice(
        (
            ("POST", "clients", PROFILE | {"client_id": name}, 409),
            ("POST", f"clients/{name}/suspension", {}, 404),
            ("POST", f"clients/{name}/activation", {}, 404),
            ("PUT", f"clients/{name}/limits", LIMITS, 404),
            ("PUT", f"clients/{name}/signing", {"required": True}, 404),
            ("POST", f"clients/{name}/deposits", {"reference": "usurped", "amount": "1.00"}, 404),
            ("POST", f"clients/{name}/withdrawals", {"reference": "usurped", "amount": "1"}, 404),
            ("POST", f"clients/{OPERATOR}/secret-rotation", rotation, 404),
            ("POST", f"clients/{client_id}/secret-rotation", rotation, 404),
        )
    )
    fields = {"method": method, "path": path, "body": body, "status": status}
    return [Action(at, OPERATOR, "usurp", fields)] if is_tried else []


def wrong_doors(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """In a part of the runs, one log-in with the right secret at the other API."""
    is_tried, at = random.random() < 0.3, random.random() * TRADING_SECONDS
    who = random.choice((OPERATOR, random.choice(traders).client_id))
    return [Action(at, who, "knock", {})] if is_tried else []


class Usurpers:
    """Carries out the attempts."""

    def __init__(self, sessions: Sessions, intruders: Intruders) -> None:
        self._sessions = sessions
        self._intruders = intruders

    def usurp(self, action: Action) -> None:
        """Send a request that must be refused, whoever asks."""
        body: dict[str, Any] = action.fields["body"] | {"reason": "simulated"}
        if body.get("api_key") == OPERATORS_KEY:
            body["api_key"] = self._sessions.login(OPERATOR).api_key
        path, key = f"/api/v1/admin/{action.fields['path']}", f"usurp-{action.at}"
        answer = self._sessions.request(OPERATOR, action.fields["method"], path, key, body)
        self._intruders.tried(action, answer, {action.fields["status"]})

    def knock(self, action: Action) -> None:
        """Log in where the key is unknown. The answer is that to a wrong secret."""
        login = self._sessions.login(action.who)
        other = "public" if login.api == "internal" else "internal"
        answer = self._sessions.request(
            action.who, "POST", LOGIN_PATH, f"knock-{action.at}", login.body, api=other
        )
        self._intruders.tried(action, answer, {401, 429})
