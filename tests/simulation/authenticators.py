"""Authenticators of clients and operators, and how they are enrolled and used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyotp

from tests.simulation.api_gateway import Answer
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.sessions import BY_CODE, LOGIN_PATH, Sessions
from tests.simulation.violations import ViolationError

FACTOR_PATH = "/api/v1/auth/second-factor"
STEP = 30
PROMPT = 20.0
"""Seconds. A code that is answered within them has not expired on the way."""
TRIES = 6


class Authenticator:
    """A phone. It gives each code to one request only, and waits for the next one."""

    def __init__(self, cloud: Cloud, uri: str) -> None:
        totp = pyotp.parse_uri(uri)
        assert isinstance(totp, pyotp.TOTP)
        self._cloud, self._totp, self._given = cloud, totp, 0

    def next(self) -> str:
        """A code that was not given before."""
        process = current()
        assert process is not None
        while self._step() <= self._given:
            process.sleep(STEP - self._cloud.engine.now % STEP)
        self._given = self._step()
        return self.last()

    def last(self) -> str:
        """The code that was given last."""
        return self._totp.generate_otp(self._given)

    def of(self, steps_ago: int) -> str:
        """A code of the past."""
        then = datetime.fromtimestamp(self._cloud.engine.now - steps_ago * STEP, UTC)
        return self._totp.at(then)

    def has_come(self, early: str) -> bool:
        """Whether a code of the future has become valid. A request may be repeated for minutes."""
        return early in {self.of(steps) for steps in range(-1, 60)}

    def wrong(self, number: int) -> str:
        """A code that is not valid about now, whatever the clocks say."""
        near = {self.of(steps) for steps in range(-4, 5)}
        guesses = (f"{(number * 7919 + each) % 10**6:06d}" for each in range(10))
        return next(guess for guess in guesses if guess not in near)

    def _step(self) -> int:
        return int(self._cloud.engine.now) // STEP


class FactorRequests:
    """Sends the requests that carry an API secret, and a code if there is one."""

    def __init__(self, cloud: Cloud, sessions: Sessions, trail: AuditTrail) -> None:
        self.recovery_codes: list[str] = []
        """Those of the last enrolment."""
        self._cloud = cloud
        self._sessions = sessions
        self._trail = trail

    def enrol(self, who: str, code: dict[str, str]) -> Authenticator | None:
        """Enrol and confirm. None: the enrolment was refused."""
        kind = "client" if self._sessions.login(who).api == "public" else "operator"
        for _ in range(TRIES):
            key = f"enrol-{self._sessions.next_number()}"
            answer = self.send(who, "POST", FACTOR_PATH, code, key=key)
            if answer.status != 201:
                return None
            self.recovery_codes = answer.json()["recovery_codes"]
            again = self.send(who, "POST", FACTOR_PATH, code, key=key)
            if again.status == 201 and again.json() != answer.json():
                raise ViolationError(
                    "a repeated enrolment gets the same secret", who, f"{again.body!r}"
                )
            phone = Authenticator(self._cloud, answer.json()["uri"])
            if self.with_code(who, phone, "POST", f"{FACTOR_PATH}/confirmation", {}):
                for word in ("confirm-second-factor", "second-factor-confirmed"):
                    self._trail.require_own(kind, who, word)
                return phone
            code = {}
        return None

    def with_code(
        self, who: str, phone: Authenticator, method: str, path: str, body: dict[str, Any]
    ) -> bool:
        """Send a request with new codes until one is accepted. Whether one was."""
        for _ in range(TRIES):
            _, answer = self.once_with_code(who, phone, method, path, body)
            if answer.status == 200:
                return True
            if not is_about_code(answer):
                return False
        return False

    def once_with_code(
        self, who: str, phone: Authenticator, method: str, path: str, body: dict[str, Any]
    ) -> tuple[str, Answer]:
        """Send a request with a new code. The code, and the answer.

        Raises ViolationError if a code is refused that cannot have expired.
        """
        code, began = phone.next(), self._cloud.engine.now
        answer = self.send(who, method, path, body | {"code": code})
        if is_about_code(answer) and self._cloud.engine.now - began < PROMPT:
            raise ViolationError("a valid code is accepted", f"{who} {path}", f"{answer.body!r}")
        return code, answer

    def log_in(self, who: str, code: str | None = None, *, impatient: bool = False) -> Answer:
        """Log in with the secret, and with a code if there is one."""
        body = {"code": code} if code else {}
        return self.send(who, "POST", LOGIN_PATH, body, impatient=impatient)

    def log_in_with(self, who: str, phone: Authenticator) -> tuple[str, str | None]:
        """Log in with a new code. The code, and the token if there is one."""
        code, answer = self.once_with_code(who, phone, "POST", LOGIN_PATH, {})
        if answer.status != 200:
            return code, None
        told = answer.json()
        if set(told["methods"]) != BY_CODE:
            raise ViolationError(
                "a token says how it was obtained", who, f"by a code: {told['methods']}"
            )
        return code, str(told["jwt_token"])

    def key(self) -> str:
        """A new Idempotency-Key."""
        return f"factor-{self._sessions.next_number()}"

    def send(
        self,
        who: str,
        method: str,
        path: str,
        body: dict[str, Any],
        *,
        key: str = "",
        impatient: bool = False,
    ) -> Answer:
        """Send a request with the API secret, and again if the secret was replaced meanwhile."""
        process, key, answer = current(), key or self.key(), Answer(0)
        assert process is not None
        for _ in range(TRIES):
            sent = self._sessions.login(who).body | body
            answer = self._sessions.request(who, method, path, key, sent, impatient)
            if answer.status != 401 or answer.json()["code"] != "INVALID_CREDENTIALS":
                break
            process.sleep(5)
        return answer


def wants_code(answer: Answer) -> bool:
    """Whether the request needs a code, or a token of one."""
    return answer.status == 403 and answer.json()["code"] == "SECOND_FACTOR_REQUIRED"


def is_about_code(answer: Answer) -> bool:
    """Whether a code was refused."""
    return answer.status == 401 and answer.json()["code"] == "INVALID_CODE"
