"""The rules of the second factor: codes are good once, and guesses are limited."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.builders import NOW, D, make_client, make_secret
from trading.domain.clients.credentials import INTERNAL_AUDIENCE, Credential
from trading.domain.clients.second_factor import (
    MOST_FAILURES,
    RECOVERY_CODES,
    REPEATED_WITHIN,
    CodesLockedError,
    FactorStatus,
    InvalidCodeError,
    SecondFactor,
    SecondFactorRequiredError,
    check_may_enrol,
    check_order,
    is_recovery_code,
    methods_shown,
)

ACTIVE = SecondFactor(holder="client/alice", enrolment="one", last_step=100, last_request="first")


def wrong(times: int) -> SecondFactor:
    factor = ACTIVE
    for _ in range(times):
        factor = factor.after_wrong_code(NOW)
    return factor


@pytest.mark.parametrize("step", [99, 100])
def test_a_code_is_not_valid_once_it_or_a_later_one_was_used(step: int) -> None:
    with pytest.raises(InvalidCodeError, match="used before"):
        ACTIVE.after_code(step, "another")


def test_a_later_code_is_valid_and_ends_the_count_of_wrong_ones() -> None:
    used = wrong(3).after_code(101, "second")
    assert (used.last_step, used.last_request) == (101, "second")
    assert (used.failures, used.failed_at) == (0, None)


@pytest.mark.parametrize(
    ("step", "request_", "repeated"),
    [(100, "first", True), (100, "second", False), (101, "first", False)],
)
def test_only_the_request_that_used_a_code_repeats_it(
    step: int, request_: str, repeated: bool
) -> None:
    assert ACTIVE.is_repeated(step, request_) is repeated


@pytest.mark.parametrize(
    ("failures", "seconds"), [(4, 0), (5, 5), (6, 10), (9, 80), (12, 640), (13, 900), (99, 900)]
)
def test_wrong_codes_lock_for_longer_and_longer(failures: int, seconds: int) -> None:
    locked = wrong(failures)
    if seconds:
        with pytest.raises(CodesLockedError) as refused:
            locked.check_not_locked(NOW + timedelta(seconds=seconds - 1))
        assert refused.value.retry_after_seconds == 2
    locked.check_not_locked(NOW + timedelta(seconds=seconds))


def test_after_a_hundred_wrong_codes_in_a_row_no_time_helps() -> None:
    with pytest.raises(CodesLockedError) as refused:
        wrong(MOST_FAILURES).check_not_locked(NOW + timedelta(days=365))
    assert refused.value.retry_after_seconds is None


def test_a_recovery_code_is_good_once_and_unlocks() -> None:
    used = wrong(MOST_FAILURES).after_recovery_code(3, "a", NOW)
    used.check_not_locked(NOW)
    assert used.recovery_codes_left == RECOVERY_CODES - 1
    soon = NOW + REPEATED_WITHIN
    assert used.after_recovery_code(3, "a", soon) == used, "the same request, without its answer"
    for request_, at in (("b", NOW), ("a", soon + timedelta(seconds=1))):
        with pytest.raises(InvalidCodeError, match="used before"):
            used.after_recovery_code(3, request_, at)
    assert used.after_recovery_code(4, "b", NOW).recovery_codes_left == RECOVERY_CODES - 2


def test_an_enrolment_takes_effect_with_its_confirmation() -> None:
    used = ACTIVE.after_recovery_code(0, "a", NOW)
    begun = used.enrolling("two", NOW)
    assert (begun.enrolment, begun.status) == ("one", FactorStatus.ACTIVE)
    assert (begun.pending, begun.pending_since) == ("two", NOW)
    assert begun.enrolling("two", NOW + REPEATED_WITHIN) == begun, "a repetition"
    done = wrong(7).enrolling("two", NOW).confirmed("two", 200, "b")
    assert done.enrolment == "two"
    assert (done.pending, done.last_step, done.failures) == (None, 200, 0)
    assert begun.confirmed("two", 200, "b").recovery_codes_left == RECOVERY_CODES
    assert done.enrolling("two", NOW) == done, "a late copy of the request"


def test_a_secret_is_shown_for_two_minutes_and_not_after_its_confirmation() -> None:
    begun = SecondFactor(holder="client/alice").enrolling("one", NOW)
    assert begun.shows("one", NOW + REPEATED_WITHIN)
    assert not begun.shows("one", NOW + REPEATED_WITHIN + timedelta(seconds=1))
    assert not begun.shows("two", NOW)
    assert not begun.confirmed("one", 1, "a").shows("one", NOW)


def test_the_status_says_what_a_client_has() -> None:
    none = SecondFactor(holder="client/alice")
    assert (none.status, none.recovery_codes_left) == (FactorStatus.NONE, 0)
    pending = none.enrolling("one", NOW)
    assert (pending.status, pending.recovery_codes_left) == (FactorStatus.PENDING, 0)
    removed = ACTIVE.saved().removed()
    assert (removed.status, removed.version, removed.ended) == (FactorStatus.NONE, 1, 1)
    assert ACTIVE.enrolling("two", NOW).confirmed("two", 200, "b").ended == 1


@pytest.mark.parametrize(
    ("above", "notional", "with_factor", "passes"),
    [
        (None, "1000000", False, True),
        ("0.00", "0.01", False, False),
        ("0.00", "0.01", True, True),
        ("500.00", "500.00", False, True),
        ("500.00", "500.01", False, False),
        ("500.00", "500.01", True, True),
    ],
)
def test_an_order_needs_a_second_factor_if_it_is_worth_more(
    above: str | None, notional: str, with_factor: bool, passes: bool
) -> None:
    client = make_client(second_factor_above=None if above is None else Decimal(above))
    if passes:
        check_order(client, D(notional), with_factor)
        return
    with pytest.raises(SecondFactorRequiredError, match="/api/v1/auth/step-up"):
        check_order(client, D(notional), with_factor)


@pytest.mark.parametrize(
    ("code", "recovers"),
    [
        ("abcd-ef23-4567-wxyz", True),
        ("123456", False),
        ("abcd-ef23-4567", False),
        ("ABCD-EF23-4567-WXYZ", False),
        ("abcd-ef23-4567-wxy1", False),
    ],
)
def test_the_form_tells_a_recovery_code(code: str, recovers: bool) -> None:
    assert is_recovery_code(code) is recovers


def test_a_pending_enrolment_of_an_earlier_release_is_read_and_not_shown_again() -> None:
    kept = SecondFactor.model_validate({"holder": "client/alice", "pending": "one"})
    assert kept.status is FactorStatus.PENDING
    assert not kept.shows("one", NOW)
    assert kept.confirmed("one", 7, "r-1").enrolment == "one"


CLIENT = Credential(api_key="k", client_id="alice", secrets=(make_secret(),), permissions=())
OPERATOR = Credential.model_validate(CLIENT.model_dump() | {"audience": INTERNAL_AUDIENCE})


@pytest.mark.parametrize("registered", [None, "a key"])
@pytest.mark.parametrize(
    ("credential", "code", "is_signed", "methods"),
    [
        (CLIENT, None, False, ["pwd"]),
        (CLIENT, "123456", False, ["pwd", "otp", "mfa"]),
        (CLIENT, None, True, ["pwd", "swk", "mfa"]),
        (OPERATOR, None, True, ["pwd", "swk", "mfa"]),
    ],
)
def test_a_log_in_shows_how_its_owner_authenticated(
    credential: Credential,
    registered: str | None,
    code: str | None,
    is_signed: bool,
    methods: list[str],
) -> None:
    key = credential.with_public_key(registered)
    assert [*methods_shown(key, code, is_signed=is_signed)] == methods


def test_an_operator_never_logs_in_with_the_secret_only() -> None:
    assert [*methods_shown(OPERATOR, "123456", is_signed=False)] == ["pwd", "otp", "mfa"]
    with pytest.raises(SecondFactorRequiredError, match="send a `code`"):
        methods_shown(OPERATOR, None, is_signed=False)
    program = OPERATOR.with_public_key("a key")
    for code in (None, "123456"):
        with pytest.raises(SecondFactorRequiredError, match="Sign the log-in"):
            methods_shown(program, code, is_signed=False)


@pytest.mark.parametrize("credential", [CLIENT, OPERATOR])
def test_with_a_registered_key_an_enrolment_is_signed(credential: Credential) -> None:
    check_may_enrol(credential, is_signed=False)
    program = credential.with_public_key("a key")
    check_may_enrol(program, is_signed=True)
    with pytest.raises(SecondFactorRequiredError, match="Sign this request"):
        check_may_enrol(program, is_signed=False)
