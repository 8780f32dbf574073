"""The second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes for
when it is lost.

docs/explanation/second-factor.md has the rules.
"""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from trading.domain import patterns
from trading.domain.clients.client import Client
from trading.domain.clients.credentials import Credential
from trading.domain.clients.lockout import LockRule, lock_after
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.values import Frozen, Timestamp, Versioned

STEP = timedelta(seconds=30)
"""How long one code is shown (RFC 6238, 5.2)."""
DIGITS = 6
STEPS_APART = 1
"""Clocks differ, and typing takes time: the previous and the next code are valid too."""
RECOVERY_CODES = 8
WRONG_CODES = LockRule(failures=5, longest_lock=timedelta(minutes=15))
"""Unlike a secret, a code can be guessed. So this lock also refuses the right one."""
REPEATED_WITHIN = timedelta(minutes=2)
"""So long may a request be repeated whose answer was lost: one that used a recovery code, or one
that asked for a secret. Whoever sees it later gets nothing.
"""
MOST_FAILURES = 100
"""After so many wrong codes in a row, only a recovery code helps (NIST SP 800-63B, 5.2.2)."""


class SecondFactorRequiredError(DomainError):
    """The request needs a second factor, and carries no proof of one."""

    code = ErrorCode.SECOND_FACTOR_REQUIRED
    kind = ErrorKind.FORBIDDEN


class NotEnrolledError(DomainError):
    """The client has no second factor, or none that waits for its confirmation."""

    code = ErrorCode.SECOND_FACTOR_NOT_ENROLLED
    kind = ErrorKind.FORBIDDEN


class InvalidCodeError(DomainError):
    """The code is wrong, too old, or was used before."""

    code = ErrorCode.INVALID_CODE
    kind = ErrorKind.UNAUTHENTICATED


class CodesLockedError(DomainError):
    """Too many codes were wrong. A recovery code still passes."""

    code = ErrorCode.CODES_LOCKED
    kind = ErrorKind.THROTTLED


class CodesUnavailableError(DomainError):
    """The key that codes are derived from does not answer. No code was used or counted as wrong."""

    code = ErrorCode.CODES_UNAVAILABLE
    kind = ErrorKind.UNAVAILABLE


class Method(StrEnum):
    """How a token was obtained: the values of `amr` (RFC 8176)."""

    SECRET = "pwd"  # noqa: S105
    CODE = "otp"
    KEY = "swk"
    SEVERAL = "mfa"


WITH_SECRET = (Method.SECRET,)
WITH_CODE = (Method.SECRET, Method.CODE, Method.SEVERAL)
WITH_KEY = (Method.SECRET, Method.KEY, Method.SEVERAL)
"""The log-in was signed with a registered key: how programs show a second factor."""


class FactorStatus(StrEnum):
    """Whether a client has a second factor. PENDING: enrolled, but not confirmed by a code."""

    NONE = "NONE"
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"


class SecondFactorPolicy(Frozen):
    """What of a client needs a second factor. orders_above: orders worth more; zero: all orders;
    None: none. withdrawals: those that operators book for the client.
    """

    orders_above: Decimal | None = None
    withdrawals: bool = False


class UsedCode(Frozen):
    """The position of a used recovery code in the list, and the request that used it first."""

    place: int
    request: str
    at: Timestamp


class SecondFactor(Versioned):
    """What is stored of a second factor. Neither a code nor a secret is in it: they are derived
    from the id of an enrolment, by a key that nobody can read.

    holder: its owner, as the audit log names it, for instance `client/alice`. enrolment: the id of
    the active one. pending: the id of the one that waits for its first code. pending_since: when it
    began; its secret is shown for REPEATED_WITHIN. last_step: the time step of the last used code,
    in units of STEP since 1970; codes of this and of earlier steps are invalid.
    last_request: the request that used it. failures: wrong codes in a row. ended: how many
    enrolments were confirmed or removed; the ids of later ones differ from theirs.
    """

    holder: str
    enrolment: str | None = None
    pending: str | None = None
    pending_since: Timestamp | None = None
    last_step: int = 0
    last_request: str | None = None
    used_recovery_codes: tuple[UsedCode, ...] = ()
    failures: int = 0
    failed_at: Timestamp | None = None
    ended: int = 0

    @property
    def status(self) -> FactorStatus:
        if self.enrolment:
            return FactorStatus.ACTIVE
        return FactorStatus.PENDING if self.pending else FactorStatus.NONE

    @property
    def recovery_codes_left(self) -> int:
        return RECOVERY_CODES - len(self.used_recovery_codes) if self.enrolment else 0

    def enrolling(self, enrolment: str, now: datetime) -> "SecondFactor":
        """Begin an enrolment. It replaces another pending one. The active one stays until the new
        one is confirmed. The same one again changes nothing.
        """
        if enrolment in (self.enrolment, self.pending):
            return self
        return self.but(pending=enrolment, pending_since=now)

    def shows(self, enrolment: str, now: datetime) -> bool:
        """Whether the secret of an enrolment may still be shown."""
        return (
            self.pending == enrolment
            and self.pending_since is not None
            and now - self.pending_since <= REPEATED_WITHIN
        )

    def confirmed(self, enrolment: str, step: int, request: str) -> "SecondFactor":
        """Make an enrolment the active one, by its first code. The previous one ends, with its
        recovery codes.
        """
        return self.but(
            enrolment=enrolment,
            pending=None,
            pending_since=None,
            last_step=step,
            last_request=request,
            used_recovery_codes=(),
            failures=0,
            failed_at=None,
            ended=self.ended + 1,
        )

    def is_repeated(self, step: int, request: str) -> bool:
        """Whether this request has used the code of this step before, and got no answer."""
        return step == self.last_step and request == self.last_request

    def check_not_locked(self, now: datetime) -> None:
        """Raise CodesLockedError while wrong codes lock the authenticator's codes."""
        if self.failures >= MOST_FAILURES:
            raise CodesLockedError(
                f"{self.failures} codes in a row were wrong. Use a recovery code, or ask the "
                "broker to reset the second factor."
            )
        if self.failed_at is None:
            return
        wait = (self.failed_at + lock_after(self.failures, WRONG_CODES) - now).total_seconds()
        if wait > 0:
            raise CodesLockedError(
                "Too many codes were wrong. Wait, or use a recovery code.",
                retry_after_seconds=int(wait) + 1,
            )

    def after_code(self, step: int, request: str) -> "SecondFactor":
        """Use the code of a time step. Raises InvalidCodeError if this or a later one was used."""
        if step <= self.last_step:
            raise InvalidCodeError(
                "This code was used before. Wait for the next one.", field="code"
            )
        return self.but(last_step=step, last_request=request, failures=0, failed_at=None)

    def after_recovery_code(self, place: int, request: str, now: datetime) -> "SecondFactor":
        """Use a recovery code. The same request may use it again for REPEATED_WITHIN. Raises
        InvalidCodeError if it was used before.
        """
        for each in self.used_recovery_codes:
            if each.place != place:
                continue
            if each.request == request and now - each.at <= REPEATED_WITHIN:
                return self
            raise InvalidCodeError("This recovery code was used before.", field="code")
        used = (*self.used_recovery_codes, UsedCode(place=place, request=request, at=now))
        return self.but(used_recovery_codes=used, failures=0, failed_at=None)

    def after_wrong_code(self, now: datetime) -> "SecondFactor":
        """Count a wrong code."""
        return self.but(failures=self.failures + 1, failed_at=now)

    def removed(self) -> "SecondFactor":
        """Forget the enrolments. The version stays, so that a concurrent write becomes stale."""
        return SecondFactor(holder=self.holder, version=self.version, ended=self.ended + 1)


def is_recovery_code(code: str) -> bool:
    """Whether a code has the form of a recovery code. Any other code is an authenticator's."""
    return re.fullmatch(patterns.RECOVERY_CODE, code) is not None


def methods_shown(
    credential: Credential, code: str | None, *, is_signed: bool
) -> tuple[Method, ...]:
    """What a log-in with the right secret shows. An operator's log-in always shows a second factor.

    If an operator has a registered key, a code is not enough: somebody who had the secret may have
    enrolled before the key was registered. `is_signed`: with the registered key.

    Raises SecondFactorRequiredError.
    """
    if is_signed:
        return WITH_KEY
    if credential.is_of_operator and credential.public_key:
        raise SecondFactorRequiredError(
            "This API key has a registered key. Sign the log-in with it."
        )
    if code is not None:
        return WITH_CODE
    if credential.is_of_operator:
        raise SecondFactorRequiredError(
            "Log in with a second factor: send a `code`, or sign the log-in with your registered "
            "key. To enrol: POST /api/v1/auth/second-factor."
        )
    return WITH_SECRET


def check_may_enrol(credential: Credential, *, is_signed: bool) -> None:
    """Check that a request with the right secret may enrol an authenticator. With a registered key
    it must be signed: the secret alone must not get another second factor.

    Raises SecondFactorRequiredError.
    """
    if credential.public_key and not is_signed:
        raise SecondFactorRequiredError(
            "This API key has a registered key. Sign this request with it, like a log-in."
        )


def check_order(client: Client, notional: Decimal, has_second_factor: bool) -> None:
    """Check that an order worth `notional` at its worst price may be placed with this token.

    Raises SecondFactorRequiredError.
    """
    above = client.second_factor_above
    if above is None or has_second_factor or notional <= above:
        return
    which = "Each order" if not above else f"An order worth more than {above}"
    raise SecondFactorRequiredError(
        f"{which} needs a second factor. Send a code of your authenticator to POST "
        "/api/v1/auth/step-up, and repeat the order with the token from the answer."
    )


def code_to_withdraw(client: Client, code: str | None) -> str | None:
    """The code that a withdrawal of the client uses; None if the client does not protect them.

    Raises SecondFactorRequiredError.
    """
    if not client.second_factor_to_withdraw:
        return None
    if code is None:
        raise SecondFactorRequiredError(
            "The client protects withdrawals. Send a `code` of the client's authenticator. A "
            "proposal that was made without one must be proposed again with a code.",
            field="code",
        )
    return code
