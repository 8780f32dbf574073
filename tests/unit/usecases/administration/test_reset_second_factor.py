"""An operator ends the second factor of a client who has lost everything."""

import pytest

from tests.fakes.builders import NOW, make_client
from tests.fakes.office import OPERATOR, Office
from tests.fakes.second_factors import MemorySecondFactors
from trading.domain.clients.second_factor import FactorStatus, SecondFactor
from trading.usecases.administration.reset_second_factor import ResetSecondFactor
from trading.usecases.ports import NotFoundError

ALICE = "client/alice"


@pytest.fixture
def factors() -> MemorySecondFactors:
    return MemorySecondFactors()


@pytest.fixture
def office() -> Office:
    office = Office()
    office.clients.create(make_client(fingerprint="f"), OPERATOR)
    return office


@pytest.fixture
def reset(office: Office, factors: MemorySecondFactors) -> ResetSecondFactor:
    return ResetSecondFactor(office.registry, factors, office.clients.end_tokens, office.audit)


def test_a_reset_ends_the_second_factor_and_the_tokens_and_is_audited(
    office: Office, factors: MemorySecondFactors, reset: ResetSecondFactor
) -> None:
    factors.commit(SecondFactor(holder=ALICE, enrolment="one").enrolling("two", NOW))
    [api_key] = office.registry.api_keys("alice")
    before = office.registry.credential(api_key)
    reset("alice", OPERATOR)
    assert factors.of(ALICE).status is FactorStatus.NONE
    after = office.registry.credential(api_key)
    assert before
    assert after
    assert after.generation == before.generation + 1
    assert office.audit.actions()[-2:] == [
        "reset-second-factor",
        "second-factor-reset",
    ]


def test_a_reset_loses_no_race(factors: MemorySecondFactors, reset: ResetSecondFactor) -> None:
    """The thief uses a code while the operator resets."""
    factors.commit(SecondFactor(holder=ALICE, enrolment="one"))
    factors.rivals.append(factors.of(ALICE).after_code(10, "thief"))
    reset("alice", OPERATOR)
    assert factors.of(ALICE).status is FactorStatus.NONE


def test_a_reset_of_nothing_writes_nothing(
    factors: MemorySecondFactors, reset: ResetSecondFactor
) -> None:
    reset("alice", OPERATOR)
    assert factors.kept == {}


def test_there_must_be_such_a_client(reset: ResetSecondFactor) -> None:
    with pytest.raises(NotFoundError):
        reset("nobody", OPERATOR)
