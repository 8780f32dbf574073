"""Takers, who have seen a signed request. They send it again, late, or changed."""

from __future__ import annotations

import json
from functools import partial
from random import Random
from typing import NamedTuple

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.authenticators import wants_code
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.intruders import ORDERS_PATH, Intruders
from tests.simulation.market import TRADING_SECONDS
from tests.simulation.scenario import Action, Trader
from tests.simulation.sessions import OPERATOR, Sessions
from tests.simulation.signing import SIGNATURE_CODES, signed_headers
from trading.adapters.identity.signature_keys import signer_of

TRIES = 6
TOO_LATE = 340.0
"""Seconds after which a signature is too old, whatever the clocks say."""
WAYS = (
    "again",
    "late",
    "early",
    "unsigned",
    "body",
    "path",
    "query",
    "key",
    "token",
    "api key",
    "secret",
)
HANDLED = {201, 404, 409, 422}
"""The answers to a request that was let in."""


class Withdrawal(NamedTuple):
    """What the operator signs."""

    client_id: str
    amount: str
    key: str
    token: str
    created: float
    api_key: str
    secret: str
    nonce: str

    def request(self, name: str) -> Request:
        """The signed request. Its name is for the log of the run."""
        path = f"/api/v1/admin/clients/{self.client_id}/withdrawals"
        sent = {"reference": self.key, "amount": self.amount, "reason": "simulated"}
        body = json.dumps(sent).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": self.key}
        signer = signer_of(self.secret)
        headers = signed_headers(
            headers, "POST", path, body, self.api_key, signer, self.created, self.nonce
        )
        return Request("internal", "POST", path, headers, body, name)


def replays(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """A few attempts in each run."""
    actions = []
    for _ in range(random.randint(2, 4)):
        at, way = random.random() * TRADING_SECONDS, random.choice(WAYS)
        client, other = random.sample([each.client_id for each in traders], 2)
        fields = {"path": way, "client": client, "other": other}
        actions.append(Action(at, "taker", "replay", fields))
    for trader in traders:
        at, way = random.random() * TRADING_SECONDS, random.choice(("bare order", "bare cancel"))
        if trader.signs and random.random() < 0.7:
            actions.append(Action(at, trader.client_id, "replay", {"path": way}))
    return actions


class Replays:
    """Carries out the attempts. Each must be refused because of its signature."""

    def __init__(self, cloud: Cloud, sessions: Sessions, intruders: Intruders) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._intruders = intruders

    def replay(self, action: Action) -> None:
        """Take a request that the operator has signed, and try it in one way.

        A 401 because of the token says nothing: it may have expired. Then all is tried anew. What
        was signed and changed on the way is sent as it was signed at last. It must be let in: a
        forgery uses up no nonce.
        """
        tried = self._bare if action.fields["path"].startswith("bare") else self._tried
        for _ in range(TRIES):
            if tried(action):
                return

    def _bare(self, action: Action) -> bool:
        """A thief has the token of a client who wants all orders signed, and not the secret."""
        token = self._sessions.token(action.who, fresh=True)
        if token is None:
            return False
        name = self._name()
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": name.replace(" ", "-")}
        order = {"client_id": action.who, "stock_symbol": "KO", "quantity": 1}
        order |= {"order_type": "market", "side": "buy", "time_in_force": "DAY"}
        is_order = action.fields["path"] == "bare order"
        method, body = ("POST", json.dumps(order).encode()) if is_order else ("DELETE", b"")
        answer = self._send(Request("public", method, ORDERS_PATH, headers, body, name))
        if _is_about_the_token(answer):
            return False
        self._intruders.tried(action, answer, {401})
        return True

    def _tried(self, action: Action) -> bool:
        way, signed = action.fields["path"], self._signed(action)
        if signed is None:
            return False
        original = signed.request(self._name())
        if way == "again":
            first = self._send(original)
            if not _is_handled(first):
                return False
        attempt = self._send(self._taken(way, action, signed, original))
        if _is_about_the_token(attempt):
            return False
        self._intruders.tried(action, attempt, {401})
        if way not in ("again", "late", "early", "api key", "secret"):
            let_in = self._send(original)
            if not _is_about_the_token(let_in) and not _is_handled(let_in):
                self._intruders.tried(action, let_in, HANDLED)
        return True

    def _signed(self, action: Action) -> Withdrawal | None:
        token = self._sessions.token(OPERATOR, fresh=True)
        if token is None:
            return None
        api_key, secret, *_ = self._sessions.login(OPERATOR)
        number, now = self._sessions.next_number(), self._cloud.engine.now
        signed = Withdrawal(
            action.fields["client"],
            "0.01",
            f"taken-{number}",
            token,
            now,
            api_key,
            secret,
            f"taken-{number:016d}",
        )
        match action.fields["path"]:
            case "early":
                return signed._replace(created=now + TOO_LATE)
            case "api key":  # all secrets of the simulation are the same
                return signed._replace(api_key="key-deputy")
            case "secret":
                return signed._replace(secret="another secret")
        return signed

    def _taken(self, way: str, action: Action, signed: Withdrawal, original: Request) -> Request:
        """What the taker sends."""
        headers, name = original.headers, self._name()
        match way:
            case "late":
                process = current()
                assert process is not None
                process.sleep(TOO_LATE)
                return original._replace(key=name)
            case "unsigned":
                kept = ("Authorization", "Idempotency-Key")
                return original._replace(headers={each: headers[each] for each in kept}, key=name)
            case "body":
                more = original.body.replace(b'"0.01"', b'"9.01"')
                return original._replace(body=more, key=name)
            case "path":
                other = original.path.replace(signed.client_id, action.fields["other"])
                return original._replace(path=other, key=name)
            case "query":
                return original._replace(path=f"{original.path}?fast=true", key=name)
            case "key":
                changed = headers | {"Idempotency-Key": f"{signed.key}-again"}
                return original._replace(headers=changed, key=name)
            case "token":
                token = self._sessions.token(OPERATOR, fresh=True)
                changed = headers | {"Authorization": f"Bearer {token}"}
                return original._replace(headers=changed, key=name)
        return original._replace(key=name)

    def _name(self) -> str:
        return f"taker {self._sessions.next_number()}"

    def _send(self, request: Request) -> Answer:
        process = current()
        assert process is not None
        answer: Answer = process.wait(partial(self._cloud.api.send, request))
        return answer


def _is_handled(answer: Answer) -> bool:
    """Whether a request was let in. The client may want a code for the withdrawal."""
    return answer.status in HANDLED or wants_code(answer)


def _is_about_the_token(answer: Answer) -> bool:
    return answer.status == 401 and answer.json()["code"] not in SIGNATURE_CODES
