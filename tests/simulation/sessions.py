"""Requests of clients and operators over HTTP, sent with a token of their own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.cloud import Cloud
from tests.simulation.engine import Process, current, raised
from tests.simulation.signing import SIGNATURE_CODES, must_be_signed, signed_headers
from tests.simulation.violations import ViolationError
from trading.adapters.identity.signature_keys import signer_of

TRIES = 12
OPERATOR, DEPUTY, CLERK = "operator", "deputy", "clerk"
"""Operators. The clerk is a person with a phone, and the others are programs."""
LOGIN_PATH = "/api/v1/auth/token"
STEP_UP_PATH = "/api/v1/auth/step-up"
CODES_LOCKED = "CODES_LOCKED"
BY_PROGRAM, BY_CODE = {"pwd", "swk", "mfa"}, {"pwd", "otp", "mfa"}
"""How a token was obtained, as it says."""


class Login(NamedTuple):
    """What a caller logs in with, and the API that it is for. signs: whether to sign all orders.
    program: what its registered key is derived from; empty: it has none.
    """

    api_key: str
    secret: str
    api: str
    signs: bool = False
    program: str = ""

    @property
    def registered(self) -> Ed25519PrivateKey:
        """The private half of the registered key of a program."""
        return signer_of(self.program)

    @property
    def body(self) -> dict[str, str]:
        """The body of a log-in."""
        return {"api_key": self.api_key, "api_secret": self.secret}


class Sessions:
    """Sends requests, logs in when a token is missing or has expired, and repeats requests."""

    def __init__(self, cloud: Cloud, logins: dict[str, Login]) -> None:
        self._cloud = cloud
        self._logins = logins
        self._tokens: dict[str, str] = {}
        self._codes: dict[str, Callable[[], str]] = {}
        self._stepped_up: Counter[str] = Counter()
        self._requests = 0

    def start(self, name: str, body: Callable[[], None]) -> None:
        """Start a process of the simulation."""
        self._cloud.log(name, "begins")
        Process(self._cloud.engine, name, Random(f"{self._cloud.seed}/{name}"), body, raised)

    def request(
        self,
        who: str,
        method: str,
        path: str,
        key: str,
        body: dict[str, Any] | bytes | None,
        impatient: bool = False,
        api: str = "",
    ) -> Answer:
        """Send a request until it is answered.

        After a time-out, a 409, a 429 or a 5xx the same request is sent again. Failures count apart
        from waits, so that no fault in the last of many waits looks like a failure that stays. An
        impatient client gives up at once. A code that met a lock is not sent again: after the lock,
        it would count as a wrong one. A body in bytes is sent as it is. The request goes to the
        caller's own API, unless another one is named.
        """
        process = current()
        assert process is not None
        api = api or self._logins[who].api
        content = body if isinstance(body, bytes) else _json(body)
        answer: Answer = Answer(0)
        failures = waits = 0
        while max(failures, waits) < TRIES:
            headers = {"Idempotency-Key": key}
            is_new = who not in self._tokens
            if needs_token(path):
                token = self._tokens.get(who) or self._log_in(who)
                if not token:
                    return Answer(0)
                headers["Authorization"] = f"Bearer {token}"
            self._requests += 1
            if self._signs(who, api, method, path):
                headers = self._signed(who, method, path, headers, content)
            request = Request(
                api, method, path, headers, content, f"{process.name} {self._requests}"
            )
            answer = process.wait(partial(self._cloud.api.send, request))
            if path == LOGIN_PATH:
                check_let_in(self._logins[who], path, answer)
            if path != STEP_UP_PATH:
                steps_up = self._steps_up(who, answer)
                if steps_up is None:
                    return Answer(0)
                if steps_up:
                    waits += 1
                    continue
            if answer.status == 401 and needs_token(path) and not _is_about_code(answer):
                check_let_in(self._logins[who], path, answer)
                if self._tokens.get(who) == token:
                    del self._tokens[who]
                waits += is_new  # an expired old token does not count as an attempt
                continue
            is_closed = answer.status == 409 and answer.json()["code"] in (
                "ORDER_CLOSED",
                "ORDER_ENDING",
                "ADVANCE_CLOSED",
                "PROPOSAL_DECIDED",
                "PROPOSAL_EXPIRED",
            )
            is_locked = path == STEP_UP_PATH and _has_code(answer, 429, CODES_LOCKED)
            is_final = 0 < answer.status < 500 and answer.status not in (409, 429)
            if is_final or is_closed or is_locked:
                return answer
            if impatient:
                return Answer(0)
            wanted = float(answer.headers.get("Retry-After", 0))
            pause = wanted or min(2.0 ** (failures + waits), 30)
            process.sleep(pause * process.random.uniform(0.8, 1.2))
            if answer.status in (409, 429):
                waits += 1
            else:
                failures += 1
        return answer

    def _steps_up(self, who: str, answer: Answer) -> bool | None:
        """Whether the answer asked for a second factor, and the caller now has a token of one.

        The caller may be about to enrol another authenticator. Then it waits for that one. None: it
        gave up, because guesses of a thief locked its codes, or a new phone did not come.
        """
        if who not in self._codes or not _has_code(answer, 403, "SECOND_FACTOR_REQUIRED"):
            return False
        process = current()
        assert process is not None
        for _ in range(TRIES):
            self._requests += 1
            key, code = f"step-up-{self._requests}", self._codes[who]()
            stronger = self.request(who, "POST", STEP_UP_PATH, key, {"code": code})
            if stronger.status == 200:
                self._tokens[who] = stronger.json()["jwt_token"]
                self._stepped_up[who] += 1
                return True
            is_outage = stronger.status == 0 or stronger.status >= 500
            if is_outage or _has_code(stronger, 403, "SECOND_FACTOR_NOT_ENROLLED"):
                process.sleep(60)
            elif _has_code(stronger, 429, CODES_LOCKED):
                process.sleep(float(stronger.headers.get("Retry-After", 0)))
            elif not _is_about_code(stronger):
                return False
        return None

    def give_authenticator(self, who: str, next_code: Callable[[], str]) -> None:
        """From now on, the caller can add a second factor."""
        self._codes[who] = next_code

    def codes_used(self, who: str) -> int:
        """How many codes of the caller were taken in a step-up."""
        return self._stepped_up[who]

    def borrow(self, who: str, owner: str) -> None:
        """Let somebody log in with the key and the secret of another, but no registered key."""
        self._logins[who] = self._logins[owner]._replace(program="")

    def _signs(self, who: str, api: str, method: str, path: str) -> bool:
        """Whether a request is signed. A program signs its log-ins."""
        login = self._logins[who]
        if path == LOGIN_PATH:
            return bool(login.program)
        is_wanted = login.signs and needs_token(path) and method != "GET"
        return is_wanted or must_be_signed(api, method, path)

    def _signed(
        self, who: str, method: str, path: str, headers: dict[str, str], content: bytes
    ) -> dict[str, str]:
        """The headers with a signature. Each request has one of its own, a repetition too. With a
        token, a program signs with either of its keys.
        """
        login = self._logins[who]
        by_program = login.program and (path == LOGIN_PATH or self._requests % 2)
        key = login.registered if by_program else signer_of(login.secret)
        now, nonce = self._cloud.engine.now, f"nonce-{self._requests:016d}"
        return signed_headers(headers, method, path, content, login.api_key, key, now, nonce)

    def token(self, who: str, *, fresh: bool = False) -> str | None:
        """A token of a caller. It may have expired if it is not `fresh`."""
        if fresh:
            self._tokens.pop(who, None)
        return self._tokens.get(who) or self._log_in(who)

    def _log_in(self, who: str) -> str | None:
        login = self._logins[who]
        self._requests += 1
        answer = self.request(who, "POST", LOGIN_PATH, f"login-{self._requests}", login.body)
        if login.program:
            check_second_factor(who, answer)
        if answer.status == 200:
            self._tokens[who] = answer.json()["jwt_token"]
        return self._tokens.get(who)

    def kept_token(self, who: str) -> str | None:
        """The token of the last log-in, if there is one."""
        return self._tokens.get(who)

    def login(self, who: str) -> Login:
        """What a caller logs in with."""
        return self._logins[who]

    def learn(self, who: str, secret: str) -> None:
        """Use another secret from now on."""
        self._logins[who] = self._logins[who]._replace(secret=secret)

    def next_number(self) -> int:
        """A number for a name that must be unique in the run."""
        self._requests += 1
        return self._requests


def needs_token(path: str) -> bool:
    """Whether a request carries a token. The others of the log-in function carry the secret."""
    return path == STEP_UP_PATH or not path.startswith("/api/v1/auth/")


def _is_about_code(answer: Answer) -> bool:
    return _has_code(answer, 401, "INVALID_CODE")


def _has_code(answer: Answer, status: int, code: str) -> bool:
    return answer.status == status and bool(answer.body) and answer.json()["code"] == code


def check_let_in(login: Login, path: str, answer: Answer) -> None:
    """What is signed is never refused for that, except with a secret that was replaced. Those of
    programs are not replaced.
    """
    if answer.status != 401 or not answer.body:  # no body: to a HEAD
        return
    problem = answer.json()
    if problem["code"] not in SIGNATURE_CODES:
        return
    if login.program or "another secret" not in problem["detail"]:
        raise ViolationError(
            "a valid signature is accepted", f"{login.api_key} {path}", f"{answer.body!r}"
        )


def check_second_factor(who: str, answer: Answer) -> None:
    """The signed log-in of a program shows a second factor, and the token says so."""
    told = set(answer.json()["methods"]) if answer.status == 200 else BY_PROGRAM
    if told != BY_PROGRAM or _has_code(answer, 403, "SECOND_FACTOR_REQUIRED"):
        raise ViolationError(
            "a signed log-in shows a second factor", who, f"{answer.status} {sorted(told)}"
        )


def program_of(client_id: str) -> str:
    """The name of a client's program, which has an API key of its own."""
    return f"program-of-{client_id}"


def _json(body: dict[str, Any] | None) -> bytes:
    return b"" if body is None else json.dumps(body).encode()
