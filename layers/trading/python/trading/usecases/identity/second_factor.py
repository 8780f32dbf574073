"""The second factor: enrol an authenticator, check its codes, and say what needs one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from trading.domain.clients.second_factor import (
    FactorStatus,
    InvalidCodeError,
    NotEnrolledError,
    SecondFactor,
    SecondFactorPolicy,
    SecondFactorRequiredError,
    is_recovery_code,
)
from trading.metrics import Metric
from trading.usecases.administration.operator_actions import AuditTrail, Operator, announced
from trading.usecases.ports import Clock, Monitor
from trading.usecases.ports.identity import Codes, SecondFactorPolicies, SecondFactors
from trading.usecases.retrying import on_fresh_state

WRONG_CODE = "The code is wrong or too old."


class Caller(NamedTuple):
    """Who asks. holder: the client, as the audit log names it. who: name and API key. request: an
    id that repetitions of a request share.
    """

    holder: str
    who: str
    request: str


class Enrolled(NamedTuple):
    """What an authenticator needs, and the recovery codes."""

    secret: str
    recovery_codes: Sequence[str]


class Standing(NamedTuple):
    """What a holder has of a second factor."""

    status: FactorStatus
    recovery_codes_left: int


@dataclass(frozen=True)
class CheckCode:
    """Checks a code of an authenticator, or a recovery code. Each is accepted once.

    Each right or wrong code is recorded by a write on the version that was read. So concurrent
    guesses are all counted. A code that meets a lock is not counted.
    """

    factors: SecondFactors
    codes: Codes
    monitor: Monitor
    clock: Clock

    @on_fresh_state
    def __call__(self, holder: str, code: str, request: str) -> None:
        """Use a code. A repetition of the same request may use it again, if its answer was lost.

        Raises NotEnrolledError, InvalidCodeError, CodesLockedError, and StaleError when too many
        codes race.
        """
        factor = self.factors.of(holder)
        if factor.enrolment is None:
            raise NotEnrolledError(
                "There is no second factor. Its holder enrols one: POST /api/v1/auth/second-factor."
            )
        used = self._after(factor, factor.enrolment, code, request)
        if used is None:
            if not is_recovery_code(code):  # those are too long to be guessed
                self.factors.commit(factor.after_wrong_code(self.clock()))
            self.monitor.count(Metric.CODE_REFUSED)
            raise InvalidCodeError(WRONG_CODE, field="code")
        if used != factor:
            self.factors.commit(used)

    def _after(
        self, factor: SecondFactor, enrolment: str, code: str, request: str
    ) -> SecondFactor | None:
        """The factor after the code was used; None if the code is wrong."""
        now = self.clock()
        if is_recovery_code(code):
            place = self.codes.place_of(enrolment, code)
            return None if place is None else factor.after_recovery_code(place, request, now)
        step = self.codes.step_of(enrolment, code, now)
        if step is not None and factor.is_repeated(step, request):
            return factor
        factor.check_not_locked(now)
        return None if step is None else factor.after_code(step, request)


@dataclass(frozen=True)
class Enrolments:
    """What a holder does with a second factor. Each change may be repeated."""

    factors: SecondFactors
    codes: Codes
    check: CheckCode
    audit: AuditTrail
    monitor: Monitor
    clock: Clock

    def standing(self, holder: str) -> Standing:
        factor = self.factors.of(holder)
        return Standing(factor.status, factor.recovery_codes_left)

    def enrol(self, caller: Caller, code: str | None) -> str:
        """Begin an enrolment, and return its id, which is derived from the request. `code`: of the
        active second factor.

        Raises SecondFactorRequiredError if there is an active one and no code, and as CheckCode.
        """
        factor = self.factors.of(caller.holder)
        if factor.enrolment is not None:
            if code is None:
                raise _code_required()
            self.check(caller.holder, code, caller.request)
        parts = (caller.holder, str(factor.ended), caller.request)
        enrolment = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return self._begin(caller.holder, factor.enrolment, enrolment)

    @on_fresh_state
    def _begin(self, holder: str, replaced: str | None, enrolment: str) -> str:
        """`replaced`: the second factor whose code the caller gave. Another one may be active now,
        and that one needs a code of its own.
        """
        factor = self.factors.of(holder)
        if factor.enrolment not in (replaced, enrolment):
            raise _code_required()
        begun = factor.enrolling(enrolment, self.clock())
        if begun != factor:
            self.factors.commit(begun)
        return enrolment

    def shown(self, holder: str, enrolment: str) -> Enrolled:
        """What the authenticator needs, for a short time and until the enrolment is confirmed.

        Raises NotEnrolledError.
        """
        if not self.factors.of(holder).shows(enrolment, self.clock()):
            raise NotEnrolledError(
                "This enrolment is shown no more. Begin another one under a new Idempotency-Key."
            )
        return Enrolled(self.codes.secret(enrolment), self.codes.recovery_codes(enrolment))

    def confirm(self, caller: Caller, code: str) -> None:
        """Make the pending enrolment the second factor, by its first code.

        Raises NotEnrolledError, InvalidCodeError.
        """
        pending, step = self._first_step(caller, code)
        with announced(
            self.audit,
            _by_holder(caller),
            caller.holder,
            "confirm-second-factor",
            "second-factor-confirmed",
        ):
            if pending is not None:
                self._confirm(caller, pending, step)

    def _first_step(self, caller: Caller, code: str) -> tuple[str | None, int]:
        """The pending enrolment, and the time step of the code. No enrolment: this request has
        confirmed it before.
        """
        factor = self.factors.of(caller.holder)
        if factor.pending is None:
            if factor.enrolment and factor.last_request == caller.request:
                return None, factor.last_step
            raise _none_pending()
        step = self.codes.step_of(factor.pending, code, self.clock())
        if step is None:
            self.monitor.count(Metric.CODE_REFUSED)
            raise InvalidCodeError(WRONG_CODE, field="code")
        return factor.pending, step

    @on_fresh_state
    def _confirm(self, caller: Caller, pending: str, step: int) -> None:
        factor = self.factors.of(caller.holder)
        if (factor.enrolment, factor.last_request) == (pending, caller.request):
            return  # the answer to the commit was lost
        if factor.pending != pending:
            raise _none_pending()
        self.factors.commit(factor.confirmed(pending, step, caller.request))


@dataclass(frozen=True)
class ClientPolicies:
    """What of a client needs a second factor."""

    check: CheckCode
    policies: SecondFactorPolicies
    audit: AuditTrail

    def of(self, client_id: str) -> SecondFactorPolicy:
        return self.policies.of(client_id)

    def set(
        self,
        caller: Caller,
        client_id: str,
        above: Decimal | None,
        withdrawals: bool | None,
        code: str,
    ) -> None:
        """Say which orders need one, and whether withdrawals do. None leaves the latter as it is.
        It may be repeated while the code is valid. Raises as CheckCode.
        """
        self.check(caller.holder, code, caller.request)
        details = {"above": "none" if above is None else str(above)}
        if withdrawals is not None:
            details["withdrawals"] = str(withdrawals).lower()
        with announced(
            self.audit,
            _by_holder(caller),
            caller.holder,
            "set-second-factor-policy",
            "second-factor-policy-set",
            **details,
        ):
            on_fresh_state(self.policies.set)(client_id, above, withdrawals)


def _code_required() -> SecondFactorRequiredError:
    return SecondFactorRequiredError(
        "There is a second factor. Send one of its codes, or a recovery code.", field="code"
    )


def _none_pending() -> NotEnrolledError:
    return NotEnrolledError(
        "No enrolment waits for its confirmation. Begin one: POST /api/v1/auth/second-factor."
    )


def _by_holder(caller: Caller) -> Operator:
    return Operator(name=caller.holder, who=caller.who, reason="The holder's own change.")
