"""Enrolment, codes and policies, with lost answers and races."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import pytest

from tests.fakes.builders import D
from tests.fakes.clock import Clock
from tests.fakes.queues import MemoryMonitor
from tests.fakes.second_factors import MemorySecondFactors
from trading.domain.clients.second_factor import (
    CodesLockedError,
    FactorStatus,
    InvalidCodeError,
    NotEnrolledError,
    SecondFactor,
    SecondFactorPolicy,
    SecondFactorRequiredError,
)
from trading.usecases.identity.second_factor import Caller, CheckCode, ClientPolicies, Enrolments

OWNER = "client/alice"
RECOVERY = "aaaa-aaaa-aaaa-aaa"


def caller(request: str) -> Caller:
    return Caller(OWNER, "alice (key-alice)", request)


class Codes:
    """The port `Codes`: a code is `{enrolment}@{step}`, a recovery code `aaaa-aaaa-aaaa-aaa{n}`."""

    def secret(self, enrolment: str) -> str:
        return f"secret of {enrolment}"

    def recovery_codes(self, enrolment: str) -> Sequence[str]:
        return [f"{RECOVERY}{letter}" for letter in "abcd"]

    def step_of(self, enrolment: str, code: str, now: datetime) -> int | None:
        name, _, step = code.partition("@")
        return int(step) if name == enrolment else None

    def place_of(self, enrolment: str, code: str) -> int | None:
        codes = self.recovery_codes(enrolment)
        return codes.index(code) if code in codes else None


@dataclass
class Policies:
    above: Decimal | None = None
    withdrawals: bool = False

    def set(self, client_id: str, above: Decimal | None, withdrawals: bool | None = None) -> None:
        assert client_id == "alice"
        self.above = above
        self.withdrawals = self.withdrawals if withdrawals is None else withdrawals

    def of(self, client_id: str) -> SecondFactorPolicy:
        return SecondFactorPolicy(orders_above=self.above, withdrawals=self.withdrawals)


@dataclass
class Audit:
    actions: list[str] = field(default_factory=list)

    def write(
        self, subject: str, action: str, who: str, reason: str, details: Mapping[str, str]
    ) -> None:
        assert (subject, who) == (OWNER, "alice (key-alice)")
        self.actions.append(action)


@dataclass
class Office:
    """A client and its second factor."""

    factors: MemorySecondFactors = field(default_factory=MemorySecondFactors)
    policies: Policies = field(default_factory=Policies)
    audit: Audit = field(default_factory=Audit)
    monitor: MemoryMonitor = field(default_factory=MemoryMonitor)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        codes = Codes()
        self.check = CheckCode(self.factors, codes, self.monitor, self.clock)
        self.enrolments = Enrolments(
            self.factors, codes, self.check, self.audit, self.monitor, self.clock
        )
        self.client_policies = ClientPolicies(self.check, self.policies, self.audit)

    def enrolled(self) -> str:
        """Enrol and confirm. Answers the id of the enrolment, whose step 10 was used."""
        enrolment = self.enrolments.enrol(caller("enrol"), None)
        self.enrolments.confirm(caller("confirm"), f"{enrolment}@10")
        return enrolment


@pytest.fixture
def office() -> Office:
    return Office()


def test_without_a_second_factor_no_code_is_right(office: Office) -> None:
    with pytest.raises(NotEnrolledError):
        office.check(OWNER, "123456", "a")
    enrolment = office.enrolments.enrol(caller("enrol"), None)
    with pytest.raises(NotEnrolledError):
        office.check(OWNER, f"{enrolment}@1", "a")


def test_an_enrolment_is_the_same_for_its_request_and_another_for_another(office: Office) -> None:
    first = office.enrolments.enrol(caller("one"), None)
    assert office.enrolments.enrol(caller("one"), None) == first
    shown = office.enrolments.shown(OWNER, first)
    assert shown.secret == f"secret of {first}"
    office.clock.forward(minutes=3)
    office.enrolments.enrol(caller("one"), None)
    with pytest.raises(NotEnrolledError):
        office.enrolments.shown(OWNER, first)
    second = office.enrolments.enrol(caller("two"), None)
    assert second != first
    office.enrolments.shown(OWNER, second)
    with pytest.raises(NotEnrolledError):
        office.enrolments.shown(OWNER, first)
    office.enrolments.confirm(caller("confirm"), f"{second}@1")
    with pytest.raises(NotEnrolledError):
        office.enrolments.shown(OWNER, second)


def test_the_confirmation_is_audited_and_may_be_repeated(office: Office) -> None:
    enrolment = office.enrolments.enrol(caller("enrol"), None)
    with pytest.raises(InvalidCodeError):
        office.enrolments.confirm(caller("confirm"), "another@10")
    assert office.factors.of(OWNER).status is FactorStatus.PENDING
    office.enrolments.confirm(caller("confirm"), f"{enrolment}@10")
    kept = office.factors.of(OWNER)
    office.enrolments.confirm(caller("confirm"), f"{enrolment}@10")
    assert office.factors.of(OWNER) == kept
    with pytest.raises(NotEnrolledError):
        office.enrolments.confirm(caller("another"), f"{enrolment}@10")
    done = "second-factor-confirmed"
    assert office.audit.actions == ["confirm-second-factor", done] * 2, "no entry for a wrong code"


def test_the_code_that_confirmed_is_used(office: Office) -> None:
    enrolment = office.enrolled()
    with pytest.raises(InvalidCodeError, match="used before"):
        office.check(OWNER, f"{enrolment}@10", "log-in")
    office.check(OWNER, f"{enrolment}@11", "log-in")


def test_a_code_is_good_once_but_for_its_own_request(office: Office) -> None:
    enrolment = office.enrolled()
    office.check(OWNER, f"{enrolment}@11", "log-in")
    kept = office.factors.of(OWNER)
    office.check(OWNER, f"{enrolment}@11", "log-in")
    assert office.factors.of(OWNER) == kept
    with pytest.raises(InvalidCodeError, match="used before"):
        office.check(OWNER, f"{enrolment}@11", "another")
    assert office.monitor.times("CodeRefused") == 0, "nobody guesses a code that was used"


def test_wrong_codes_are_counted_and_lock_the_right_one_too(office: Office) -> None:
    enrolment = office.enrolled()
    for number in range(5):
        with pytest.raises(InvalidCodeError, match="wrong or too old"):
            office.check(OWNER, "wrong@1", f"guess {number}")
    with pytest.raises(CodesLockedError):
        office.check(OWNER, f"{enrolment}@11", "log-in")
    assert office.factors.of(OWNER).failures == 5
    assert office.monitor.times("CodeRefused") == 5
    office.check(OWNER, f"{RECOVERY}b", "recover")
    office.check(OWNER, f"{enrolment}@11", "log-in")


def test_a_locked_code_can_be_repeated_by_the_request_that_used_it(office: Office) -> None:
    enrolment = office.enrolled()
    office.check(OWNER, f"{enrolment}@11", "log-in")
    for number in range(5):
        with pytest.raises(InvalidCodeError):
            office.check(OWNER, "wrong@1", f"guess {number}")
    office.check(OWNER, f"{enrolment}@11", "log-in")


def test_a_guess_that_loses_a_race_is_counted_all_the_same(office: Office) -> None:
    office.enrolled()
    office.factors.rivals.append(office.factors.of(OWNER).after_wrong_code(office.clock()))
    with pytest.raises(InvalidCodeError):
        office.check(OWNER, "wrong@1", "guess")
    assert office.factors.of(OWNER).failures == 2


def test_of_two_requests_with_one_code_one_gets_through(office: Office) -> None:
    enrolment = office.enrolled()
    office.factors.rivals.append(office.factors.of(OWNER).after_code(11, "the other"))
    with pytest.raises(InvalidCodeError, match="used before"):
        office.check(OWNER, f"{enrolment}@11", "log-in")


def test_a_recovery_code_is_good_once(office: Office) -> None:
    office.enrolled()
    office.check(OWNER, f"{RECOVERY}b", "recover")
    office.check(OWNER, f"{RECOVERY}b", "recover")
    with pytest.raises(InvalidCodeError, match="used before"):
        office.check(OWNER, f"{RECOVERY}b", "again")
    with pytest.raises(InvalidCodeError, match="wrong or too old"):
        office.check(OWNER, f"{RECOVERY}e", "guess")
    assert office.factors.of(OWNER).failures == 0, "nobody locks the owner out with such guesses"


def test_a_second_factor_is_replaced_with_one_of_its_codes(office: Office) -> None:
    first = office.enrolled()
    with pytest.raises(SecondFactorRequiredError):
        office.enrolments.enrol(caller("replace"), None)
    with pytest.raises(InvalidCodeError):
        office.enrolments.enrol(caller("replace"), "wrong@11")
    second = office.enrolments.enrol(caller("replace"), f"{RECOVERY}a")
    assert office.enrolments.enrol(caller("replace"), f"{RECOVERY}a") == second
    office.check(OWNER, f"{first}@12", "log-in")
    office.enrolments.confirm(caller("confirm 2"), f"{second}@13")
    with pytest.raises(InvalidCodeError):
        office.check(OWNER, f"{first}@14", "log-in")
    office.check(OWNER, f"{RECOVERY}a", "the codes are new ones too")


def test_a_second_factor_that_was_confirmed_meanwhile_is_not_replaced_without_its_code(
    office: Office,
) -> None:
    """A thief's enrolment races with the owner's confirmation."""
    mine = office.enrolments.enrol(caller("mine"), None)
    read, reads = office.factors.of, []

    def of(holder: str) -> SecondFactor:
        found = read(holder)
        reads.append(found)
        if len(reads) == 1:  # the thief has read that there is none
            office.factors.kept[holder] = found.confirmed(mine, 10, "confirm").saved()
        return found

    office.factors.of = of  # type: ignore[method-assign]
    with pytest.raises(SecondFactorRequiredError):
        office.enrolments.enrol(caller("thief"), None)
    assert (read(OWNER).enrolment, read(OWNER).pending) == (mine, None)


def test_the_same_request_after_a_reset_gets_another_secret(office: Office) -> None:
    first = office.enrolments.enrol(caller("one"), None)
    office.enrolments.confirm(caller("confirm"), f"{first}@10")
    office.factors.kept[OWNER] = office.factors.of(OWNER).removed().saved()
    assert office.enrolments.enrol(caller("one"), None) != first


def test_a_policy_needs_a_code_and_is_audited(office: Office) -> None:
    with pytest.raises(NotEnrolledError):
        office.client_policies.set(caller("a"), "alice", D("0.00"), None, "1@1")
    enrolment = office.enrolled()
    with pytest.raises(InvalidCodeError):
        office.client_policies.set(caller("a"), "alice", D("0.00"), True, "wrong@11")
    assert office.client_policies.of("alice") == SecondFactorPolicy()
    assert "second-factor-policy-set" not in office.audit.actions
    for _ in range(2):
        office.client_policies.set(caller("a"), "alice", D("500.00"), True, f"{enrolment}@11")
    chosen = SecondFactorPolicy(orders_above=D("500.00"), withdrawals=True)
    assert office.client_policies.of("alice") == chosen
    office.client_policies.set(caller("b"), "alice", None, None, f"{enrolment}@12")
    assert office.client_policies.of("alice") == SecondFactorPolicy(withdrawals=True)
    assert office.enrolments.standing(OWNER) == (FactorStatus.ACTIVE, 8)
    assert office.audit.actions[-2:] == ["set-second-factor-policy", "second-factor-policy-set"]
