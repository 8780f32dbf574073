"""A client's program, whose public key an operator registers, replaces and removes."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.cloud import Cloud
from tests.simulation.disablings import ADMIN
from tests.simulation.engine import current
from tests.simulation.intruders import Intruders
from tests.simulation.leaks import Leaks
from tests.simulation.market import TRADING_SECONDS
from tests.simulation.scenario import Action, Trader
from tests.simulation.sessions import LOGIN_PATH, OPERATOR, Sessions, check_second_factor
from tests.simulation.signing import signed_headers
from tests.simulation.violations import ViolationError
from trading.adapters.identity.signature_keys import signer_of, stored_key

NEWCOMER = "newcomer"
"""A further API key of a client, which has no registered key at first. Nobody else uses it."""
REGISTER = "register"
REGISTERING = 0.3
"""The part of the runs in which a key is registered."""
TRIES = 6
REFUSED = {401: "INVALID_SIGNATURE", 403: "CLIENT_INACTIVE"}
"""The answers to a log-in that is signed with another key. The client may be suspended."""
PASSED = {200, 403}
"""The answers to a log-in that is signed with the registered key, or with none."""


def registrations(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """In a part of the runs, the operator registers a key of a client's program."""
    is_done, at = random.random() < REGISTERING, random.random() * TRADING_SECONDS
    return [Action(at, OPERATOR, REGISTER, {"client": traders[0].client_id})] if is_done else []


class Registration(NamedTuple):
    """A request to register a key, or to remove it. signer: the private half."""

    key: str
    signer: Ed25519PrivateKey | None

    @property
    def body(self) -> dict[str, Any]:
        """The public half is in PEM."""
        pem = None
        if self.signer:
            public = self.signer.public_key()
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return {"public_key": pem, "reason": "simulated"}

    @property
    def stored(self) -> str | None:
        """The public half as the answer shows it."""
        return stored_key(self.signer.public_key()) if self.signer else None


@dataclass(frozen=True)
class Registrations:
    """Registers keys, and tries log-ins and tokens before and after it."""

    cloud: Cloud
    sessions: Sessions
    trail: AuditTrail
    intruders: Intruders
    leaks: Leaks

    def register(self, action: Action) -> None:
        """Register one key, another in its place, the one of the secret, and none.

        Where a registration is not answered, nobody knows what is registered, and the story ends.
        """
        first, second = (self._registration(f"{self.cloud.seed}/{n}") for n in ("1st", "2nd"))
        derived = self._registration(self.sessions.login(NEWCOMER).secret)
        step = partial(_at, action)

        self._refuses(step("before"), first.signer)
        token = self._has_one_factor(step("before"))
        if not self._is_registered(step("first"), first):
            return
        self._have_ended(step("first"), token)
        token = self._passes(step("first"), first.signer)

        if not self._is_registered(step("second"), second):
            return
        self._have_ended(step("second"), token)
        self._refuses(step("second"), first.signer)
        self._repeat(step("first again"), first)
        self._refuses(step("first again"), first.signer)
        self._passes(step("first again"), second.signer)

        answer = self._send(step("derived"), derived)
        self.intruders.tried(step("derived"), answer, {422})
        if answer.status == 422:
            _check_code(step("derived"), answer, "DERIVED_KEY")
        self._refuses(step("derived"), derived.signer)
        token = self._passes(step("derived"), second.signer)

        if not self._is_registered(step("none"), Registration(self._key(), None)):
            return
        self._have_ended(step("none"), token)
        self._refuses(step("none"), second.signer)
        self._has_one_factor(step("none"))

    def _registration(self, secret: str) -> Registration:
        return Registration(self._key(), signer_of(secret))

    def _is_registered(self, action: Action, wanted: Registration) -> bool:
        """Whether it is, by the answer. Then it is in the audit log, too."""
        answer = self._send(action, wanted)
        self.intruders.tried(action, answer, {200})
        if answer.status != 200:
            return False
        told, api_key = answer.json(), self.sessions.login(NEWCOMER).api_key
        if (told["api_key"], told["public_key"]) != (api_key, wanted.stored):
            raise ViolationError(
                "an answered registration took effect", _name(action), f"{answer.body!r}"
            )
        subject, public_key = f"client/{action.fields['client']}", wanted.stored or "none"
        for word in ("set-public-key", "registered" if wanted.stored else "removed"):
            self.trail.require(subject, word, api_key=api_key, public_key=public_key)
        return True

    def _repeat(self, action: Action, answered: Registration) -> None:
        """Send a late copy of an answered request. The record answers it."""
        answer = self._send(action, answered)
        self.intruders.tried(action, answer, {200})
        if answer.status == 200 and "Idempotency-Replayed" not in answer.headers:
            raise ViolationError(
                "a late copy of a request does nothing", _name(action), f"{answer.body!r}"
            )

    def _send(self, action: Action, wanted: Registration) -> Answer:
        api_key, client_id = self.sessions.login(NEWCOMER).api_key, action.fields["client"]
        path = f"{ADMIN}/clients/{client_id}/keys/{api_key}/public-key"
        return self.sessions.request(OPERATOR, "PUT", path, wanted.key, wanted.body)

    def _refuses(self, action: Action, signer: Ed25519PrivateKey | None) -> None:
        """A log-in signed with this key gets no token."""
        self._log_in(action, signer, REFUSED.keys())

    def _passes(self, action: Action, signer: Ed25519PrivateKey | None) -> str | None:
        """A log-in signed with this key shows a second factor, and its token opens the account.
        The token, unless the client is suspended.

        A suspension may end the token before its use. Then a new one is tried.
        """
        look, token = Answer(0), ""
        for _ in range(TRIES):
            answer = self._log_in(action, signer, PASSED)
            if answer.status != 200:
                return None
            check_second_factor(NEWCOMER, answer)
            token = answer.json()["jwt_token"]
            look = self._answered("GET", "/api/v1/balance", {"Authorization": f"Bearer {token}"})
            if look.status != 401:
                break
        self.intruders.tried(action, look, {200})
        return token

    def _has_one_factor(self, action: Action) -> str | None:
        """A log-in without a signature shows one factor. Its token, unless there is none."""
        answer = self._log_in(action, None, PASSED)
        if answer.status != 200:
            return None
        told = answer.json()
        if told["methods"] != ["pwd"]:
            raise ViolationError(
                "a secret alone shows no second factor", _name(action), f"{told['methods']}"
            )
        return str(told["jwt_token"])

    def _have_ended(self, action: Action, token: str | None) -> None:
        """The tokens from before a registration have ended, and this is one of them."""
        if token:
            self.leaks.try_ended(action, token)

    def _log_in(
        self, action: Action, signer: Ed25519PrivateKey | None, statuses: Collection[int]
    ) -> Answer:
        """Log in, signed with a key if there is one, until it is answered."""
        login = self.sessions.login(NEWCOMER)
        body = json.dumps(login.body).encode()
        answer = self._answered("POST", LOGIN_PATH, {}, body, signer)
        self.intruders.tried(action, answer, statuses)
        if answer.status in REFUSED:
            _check_code(action, answer, REFUSED[answer.status])
        return answer

    def _answered(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes = b"",
        signer: Ed25519PrivateKey | None = None,
    ) -> Answer:
        """The answer to a request, which is sent until one comes."""
        process = current()
        assert process is not None
        api_key, answer = self.sessions.login(NEWCOMER).api_key, Answer(0)
        key = self._key()
        for _ in range(TRIES):
            sent = {**headers, "Idempotency-Key": key}
            if signer:
                now, nonce = self.cloud.engine.now, f"newcomer-{self.sessions.next_number():09d}"
                sent = signed_headers(sent, method, path, body, api_key, signer, now, nonce)
            name = f"{NEWCOMER} {self.sessions.next_number()}"
            request = Request("public", method, path, sent, body, name)
            answer = process.wait(partial(self.cloud.api.send, request))
            if 0 < answer.status < 500 and answer.status not in (409, 429):
                break
            process.sleep(float(answer.headers.get("Retry-After", 1)))
        return answer

    def _key(self) -> str:
        """A new Idempotency-Key."""
        return f"{NEWCOMER}-{self.sessions.next_number()}"


def _at(action: Action, step: str) -> Action:
    """The action at a step of the story."""
    return replace(action, fields={**action.fields, "path": step})


def _name(action: Action) -> str:
    return f"{action.fields['client']} {action.fields['path']}"


def _check_code(action: Action, answer: Answer, code: str) -> None:
    """Raise ViolationError unless a refusal has this code."""
    if answer.json()["code"] != code:
        raise ViolationError(
            "a refusal names its reason", _name(action), f"{answer.body!r}, not {code}"
        )
