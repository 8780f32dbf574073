"""Who decides on a proposal, until when, and what needs a proposal at all."""

from datetime import timedelta

import pytest

from tests.fakes.builders import NOW, D
from trading.domain.clients.client import Limits
from trading.domain.clients.proposals import (
    VALID_FOR,
    Decision,
    OwnProposalError,
    Proposal,
    ProposalDecidedError,
    ProposalExpiredError,
    ProposalStatus,
    ProposedChange,
    SecondPersonRule,
)

APPROVED, REJECTED = ProposalStatus.APPROVED, ProposalStatus.REJECTED
PROPOSAL = Proposal(
    proposal_id="prp_1",
    change=ProposedChange.WITHDRAWAL,
    client_id="alice",
    subject="alice",
    request="{}",
    value=D("2000.00"),
    proposed_by="anna",
    proposed_with="anna (anna-1)",
    reason="asked by mail",
    proposed_at=NOW,
)
RULE = SecondPersonRule(transfers=D("1000.00"), limits=D("50000.00"))


def decision(status: ProposalStatus, by: str, late: timedelta = timedelta(0)) -> Decision:
    return Decision(status=status, by=by, who=f"{by} (key)", reason="checked", at=NOW + late)


def limits(credit: str = "0.00", daily: str = "10000.00", margin: str = "100.00") -> Limits:
    return Limits(margin_percent=D(margin), credit_limit=D(credit), daily_trading_limit=D(daily))


@pytest.mark.parametrize("status", [APPROVED, REJECTED])
def test_another_operator_decides(status: ProposalStatus) -> None:
    decided = PROPOSAL.decided(decision(status, "bert"))
    assert (decided.status(NOW), decided.decision) == (status, decision(status, "bert"))
    assert PROPOSAL.status(NOW) is ProposalStatus.PENDING


def test_nobody_approves_an_own_proposal_and_everybody_may_take_it_back() -> None:
    with pytest.raises(OwnProposalError):
        PROPOSAL.decided(decision(APPROVED, "anna"))
    assert PROPOSAL.decided(decision(REJECTED, "anna")).status(NOW) is REJECTED


def test_nobody_approves_an_own_proposal_that_is_decided_or_expired() -> None:
    """The attempt counts as one to approve an own proposal, whatever has become of it."""
    decided = PROPOSAL.decided(decision(REJECTED, "bert"))
    for proposal, late in ((decided, timedelta(0)), (PROPOSAL, VALID_FOR)):
        with pytest.raises(OwnProposalError):
            proposal.decided(decision(APPROVED, "anna", late))


@pytest.mark.parametrize("first", [APPROVED, REJECTED])
@pytest.mark.parametrize("then", [APPROVED, REJECTED])
@pytest.mark.parametrize("by", ["bert", "carla"])
def test_a_decision_stands(first: ProposalStatus, then: ProposalStatus, by: str) -> None:
    decided = PROPOSAL.decided(decision(first, "bert"))
    again = decision(then, by, timedelta(hours=1))
    if (then, by) == (first, "bert"):
        assert decided.decided(again) is decided
    else:
        with pytest.raises(ProposalDecidedError) as refused:
            decided.decided(again)
        assert refused.value.details == {"status": first, "decided_by": "bert"}


def test_a_proposal_is_valid_for_seven_days() -> None:
    last = VALID_FOR - timedelta(microseconds=1)
    assert PROPOSAL.decided(decision(APPROVED, "bert", last)).decision
    assert PROPOSAL.status(NOW + last) is ProposalStatus.PENDING
    for status, by in ((APPROVED, "bert"), (REJECTED, "bert"), (REJECTED, "anna")):
        with pytest.raises(ProposalExpiredError):
            PROPOSAL.decided(decision(status, by, VALID_FOR))
    assert PROPOSAL.status(NOW + VALID_FOR) is ProposalStatus.EXPIRED
    approved = PROPOSAL.decided(decision(APPROVED, "bert", last))
    assert approved.status(NOW + VALID_FOR) is APPROVED


@pytest.mark.parametrize(
    ("value", "needed"), [("0.01", False), ("1000.00", False), ("1000.01", True)]
)
def test_a_transfer_above_the_amount_needs_a_second_person(value: str, needed: bool) -> None:
    assert RULE.transfer_needs(D(value)) is needed


@pytest.mark.parametrize(
    ("before", "after", "needed"),
    [
        (limits(), limits(credit="50000.00", daily="50000.00"), None),
        (limits(), limits(credit="50000.01"), "50000.01"),
        (limits(), limits(daily="50000.01"), "50000.01"),
        (limits(), limits(credit="60000.00", daily="70000.00"), "70000.00"),
        (limits(), limits(credit="70000.00", daily="60000.00"), "70000.00"),
        # what is lowered or stays needs nobody, wherever it ends
        (limits(credit="90000.00"), limits(credit="80000.00"), None),
        (limits(daily="90000.00"), limits(daily="80000.00"), None),
        (limits(credit="90000.00"), limits(credit="90000.00", daily="20000.00"), None),
        (limits(daily="90000.00"), limits(credit="20000.00", daily="90000.00"), None),
        # a lower margin lends more against the same limit
        (limits(credit="90000.00"), limits(credit="90000.00", margin="50.00"), "90000.00"),
        (limits(credit="90000.00"), limits(credit="60000.00", margin="50.00"), "60000.00"),
        (limits(credit="50000.00"), limits(credit="50000.00", margin="50.00"), None),
        (limits(margin="50.00", credit="90000.00"), limits(credit="90000.00"), None),
        # a new client
        (None, limits(credit="50000.00", daily="50000.00"), None),
        (None, limits(credit="50000.01"), "50000.01"),
        (None, limits(daily="50000.01"), "50000.01"),
    ],
)
def test_limits_raised_above_the_amount_need_a_second_person(
    before: Limits | None, after: Limits, needed: str | None
) -> None:
    assert RULE.limits_need(before, after) == (D(needed) if needed else None)
