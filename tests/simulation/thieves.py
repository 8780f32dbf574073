"""Thieves, who know the API secret of an operator or of a client's program, and have seen a log-in
that was signed with its registered key.
"""

from __future__ import annotations

import json
from functools import partial
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.authenticators import FACTOR_PATH
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.intruders import Intruders
from tests.simulation.market import TRADING_SECONDS
from tests.simulation.replays import TOO_LATE
from tests.simulation.scenario import Action, Trader
from tests.simulation.sessions import (
    DEPUTY,
    LOGIN_PATH,
    OPERATOR,
    Login,
    Sessions,
    check_let_in,
    check_second_factor,
    program_of,
)
from tests.simulation.signing import signed_headers
from tests.simulation.violations import ViolationError
from trading.adapters.identity.signature_keys import signer_of

TRIES = 6
THEFTS = 3
"""The most attempts in a run."""
UNSIGNED = ("the secret only", "a signed log-in without its signature")
WAYS = (
    *UNSIGNED,
    "the key of the secret",
    "the key of another",
    "the name of another",
    "again",
    "late",
    "for another request",
)
REFUSED = {"internal": {401}, "public": {401, 403}}
"""The answers to a signature that is not valid. A client may be suspended."""
WITHOUT = {"internal": {403}, "public": {200, 403}}
"""The answers to the secret alone. A client gets a token that shows no second factor."""


def thefts(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """A few attempts in each run."""
    actions = []
    for _ in range(random.randint(1, THEFTS)):
        at, way = random.random() * TRADING_SECONDS, random.choice(WAYS)
        of = random.choice((OPERATOR, OPERATOR, program_of(random.choice(traders).client_id)))
        actions.append(Action(at, "thief", "steal", {"path": way, "of": of}))
    return actions


class Thieves:
    """Carries out the attempts. None of them gets a token that shows a second factor."""

    def __init__(self, cloud: Cloud, sessions: Sessions, intruders: Intruders) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._intruders = intruders

    def steal(self, action: Action) -> None:
        """Try it in one way. What must come first is repeated until it was answered."""
        for _ in range(TRIES):
            if self._tried(action):
                return

    def _tried(self, action: Action) -> bool:
        way, of = action.fields["path"], action.fields["of"]
        login, other = self._sessions.login(of), self._sessions.login(DEPUTY)
        bare = self._bare(login)
        genuine = self._signed(bare, login.api_key, login.registered)
        attempt = bare
        match way:
            case "a signed log-in without its signature" | "again":
                first = self._send(genuine)
                check_second_factor(of, first)
                if first.status != 200:
                    return False
                attempt = bare if way in UNSIGNED else genuine
            case "late":
                process = current()
                assert process is not None
                process.sleep(TOO_LATE)
                attempt = genuine
            case "the key of the secret":
                attempt = self._signed(bare, login.api_key, signer_of(login.secret))
            case "the key of another":
                attempt = self._signed(bare, login.api_key, other.registered)
            case "the name of another":
                attempt = self._signed(bare, other.api_key, other.registered)
            case "for another request":
                headers = genuine.headers | {"Idempotency-Key": self._name()}
                attempt = genuine._replace(headers=headers)
        answer = self._send(attempt)
        self._judge(action, login, answer)
        if way == "the secret only":
            enrols = bare._replace(path=FACTOR_PATH)
            self._intruders.tried(action, self._send(enrols), {403})
        if way == "for another request":  # a forgery uses up no nonce
            let_in = self._send(genuine)
            check_let_in(login, LOGIN_PATH, let_in)
            check_second_factor(of, let_in)
        return True

    def _judge(self, action: Action, login: Login, answer: Answer) -> None:
        is_unsigned = action.fields["path"] in UNSIGNED
        self._intruders.tried(action, answer, (WITHOUT if is_unsigned else REFUSED)[login.api])
        if answer.status == 200 and answer.json()["methods"] != ["pwd"]:
            raise ViolationError(
                "a secret alone shows no second factor", login.api_key, f"{answer.body!r}"
            )

    def _bare(self, login: Login) -> Request:
        """A log-in with the secret only."""
        name, body = self._name(), json.dumps(login.body).encode()
        return Request(login.api, "POST", LOGIN_PATH, {"Idempotency-Key": name}, body, name)

    def _signed(self, bare: Request, api_key: str, key: Ed25519PrivateKey) -> Request:
        """The same log-in with a signature."""
        now, nonce = self._cloud.engine.now, f"thief-{self._sessions.next_number():016d}"
        headers = signed_headers(
            bare.headers, bare.method, bare.path, bare.body, api_key, key, now, nonce
        )
        return bare._replace(headers=headers)

    def _name(self) -> str:
        return f"thief-{self._sessions.next_number()}"

    def _send(self, request: Request) -> Answer:
        process = current()
        assert process is not None
        name = f"{request.key} {self._sessions.next_number()}"
        answer: Answer = process.wait(partial(self._cloud.api.send, request._replace(key=name)))
        return answer
