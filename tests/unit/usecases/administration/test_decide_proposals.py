"""Another operator decides on a proposed change, and an approved one is carried out once."""

import pytest

from tests.fakes.builders import NOW, D
from tests.fakes.faults import CrashError
from tests.fakes.office import Office
from tests.unit.usecases.administration.proposed import (
    ANNA,
    BERT,
    CARLA,
    REQUEST,
    approve,
    available,
    not_made,
    propose,
    withdraw,
)
from trading.domain.accounts.transfers import NotWithdrawableError
from trading.domain.clients.client import Limits
from trading.domain.clients.proposals import (
    OwnProposalError,
    ProposalDecidedError,
    ProposalStatus,
    ProposedChange,
)
from trading.usecases.administration.operator_actions import Approval
from trading.usecases.administration.second_person import ChangeRequest
from trading.usecases.administration.transfer_assets import Cash
from trading.usecases.ports import NotFoundError, StaleError


def test_nothing_moves_before_the_approval_and_then_once(office: Office) -> None:
    proposed = propose(office)
    assert (proposed.status(NOW), proposed.value) == (ProposalStatus.PENDING, D("60.00"))
    assert available(office) == "100.00"
    approved = approve(office)
    assert approved.status(NOW) is ProposalStatus.APPROVED
    assert available(office) == "40.00"
    assert approve(office) == approved == office.second_person.show("prp_1")
    assert available(office) == "40.00"
    assert office.audit.actions()[-5:] == [
        "approved",
        "approve",
        "withdraw",
        "withdrawn",
        "approved",
    ]
    assert office.findings() == []


def test_the_audit_log_has_both_persons(office: Office) -> None:
    propose(office)
    approve(office)
    entries = [
        (subject, action, who, reason, details.get("proposed_by"), details["proposal_id"])
        for subject, action, who, reason, details in office.audit.entries[-6:]
    ]
    assert entries == [
        ("client/alice", action, operator.who, operator.reason, "anna", "prp_1")
        for action, operator in (
            ("propose", ANNA),
            ("proposed", ANNA),
            ("approve", BERT),
            ("withdraw", BERT),
            ("withdrawn", BERT),
            ("approved", BERT),
        )
    ]
    assert office.audit.entries[-6][4]["request"] == REQUEST.request


def test_an_own_proposal_is_refused_and_the_attempt_is_recorded(office: Office) -> None:
    propose(office)
    before = office.state()
    with pytest.raises(OwnProposalError):
        approve(office, ANNA.but(who="anna (another key)"))
    assert office.state() == before
    subject, action, who, reason, details = office.audit.entries[-1]
    assert (subject, action, who) == ("operator/anna", "refused", "anna (another key)")
    assert reason == "another operator must approve this proposal"
    assert details["proposal_id"] == "prp_1"


def test_an_attempt_that_cannot_be_recorded_is_no_answer(office: Office) -> None:
    propose(office)
    office.faults.before("audit.write")
    with pytest.raises(CrashError):
        approve(office, ANNA)
    assert available(office) == "100.00"


def test_a_change_that_is_refused_leaves_the_proposal(office: Office) -> None:
    propose(office)
    office.transfers.withdraw("alice", Cash(amount=D("50.00")), "other", BERT)
    with pytest.raises(NotWithdrawableError):
        approve(office)
    assert office.second_person.show("prp_1").status(NOW) is ProposalStatus.PENDING
    office.transfers.deposit("alice", Cash(amount=D("10.00")), "more", BERT)
    assert approve(office).status(NOW) is ProposalStatus.APPROVED
    assert available(office) == "0.00"


def test_a_rejected_proposal_is_never_carried_out(office: Office) -> None:
    propose(office)
    rejected = office.second_person.reject("prp_1", CARLA)
    assert office.second_person.reject("prp_1", CARLA) == rejected
    with pytest.raises(ProposalDecidedError):
        approve(office)
    with pytest.raises(ProposalDecidedError):
        office.second_person.reject("prp_1", ANNA)
    assert available(office) == "100.00"
    assert office.audit.actions()[-2:] == ["reject", "rejected"]


def test_the_proposer_may_take_a_proposal_back(office: Office) -> None:
    propose(office)
    assert office.second_person.reject("prp_1", ANNA).status(NOW) is ProposalStatus.REJECTED


def test_a_rejection_that_comes_first_stops_the_approval_under_way(office: Office) -> None:
    propose(office)

    def overtaken(approval: Approval) -> None:
        office.second_person.reject("prp_1", CARLA)
        withdraw(office)(approval)

    with pytest.raises(ProposalDecidedError):
        office.second_person.approve("prp_1", BERT, overtaken)
    assert available(office) == "100.00"


def test_of_two_approvals_at_once_one_is_carried_out(office: Office) -> None:
    propose(office)

    def overtaken(approval: Approval) -> None:
        approve(office, CARLA)
        withdraw(office)(approval)

    with pytest.raises(ProposalDecidedError) as refused:
        office.second_person.approve("prp_1", BERT, overtaken)
    assert refused.value.details["decided_by"] == "carla"
    assert available(office) == "40.00"


def test_an_approval_whose_answer_was_lost_is_found(office: Office) -> None:
    propose(office)
    office.faults.after("books.commit", StaleError())
    assert approve(office).status(NOW) is ProposalStatus.APPROVED
    assert available(office) == "40.00"
    assert office.findings() == []
    assert office.audit.actions()[-5:] == [
        "approve",
        "withdraw",
        "withdraw",
        "withdrawn",
        "approved",
    ]


@pytest.mark.parametrize("written", [2, 3])
def test_a_repeated_approval_completes_the_audit_log(office: Office, written: int) -> None:
    """The process dies after the commit, with that many of the four entries written."""
    propose(office)
    announced = office.audit.actions()
    office.faults.before(_call_that_writes(written + 1))
    with pytest.raises(CrashError):
        approve(office)
    entries = ["approve", "withdraw", "withdrawn", "approved"]
    assert office.audit.actions()[len(announced) :] == entries[:written]
    assert available(office) == "40.00"
    stored = office.state()
    assert approve(office) == office.second_person.show("prp_1")
    assert office.audit.actions()[-4:] == entries
    assert {entry[4]["proposed_by"] for entry in office.audit.entries[-4:]} == {"anna"}
    assert office.state() == stored


def _call_that_writes(number: int) -> int:
    """The number of the call that writes this entry of an approval, counted in another office."""
    office = Office().opened()
    propose(office)
    began = len(office.faults.calls)
    approve(office)
    calls = enumerate(office.faults.calls, 1)
    return [at for at, name in calls if at > began and name == "audit.write"][number - 1]


def test_a_rejection_whose_answer_was_lost_is_found(office: Office) -> None:
    propose(office)
    office.faults.after("books.commit", StaleError())
    assert office.second_person.reject("prp_1", CARLA).status(NOW) is ProposalStatus.REJECTED


def test_an_approval_that_is_stale_for_another_reason_is_none(office: Office) -> None:
    propose(office)
    office.faults.before("books.commit", StaleError())
    with pytest.raises(StaleError):
        office.second_person.reject("prp_1", CARLA)
    assert office.second_person.show("prp_1").status(NOW) is ProposalStatus.PENDING


def test_two_proposals_of_one_transfer_move_it_once(office: Office) -> None:
    propose(office)
    approve(office)
    second = ChangeRequest(**{**REQUEST.__dict__, "proposal_id": "prp_2"})
    office.second_person.propose(second, D("60.00"), ANNA, not_made)
    approved = office.second_person.approve("prp_2", BERT, withdraw(office))
    assert approved.status(NOW) is ProposalStatus.APPROVED
    assert available(office) == "40.00"


def test_an_unknown_proposal_is_not_found(office: Office) -> None:
    for act in (
        lambda: office.second_person.show("prp_1"),
        lambda: office.second_person.reject("prp_1", BERT),
        lambda: approve(office),
    ):
        with pytest.raises(NotFoundError) as unknown:
            act()
        assert unknown.value.field == "proposal_id"


def test_limits_are_raised_once(office: Office) -> None:
    client = office.registry.clients["alice"]
    limits = Limits(
        margin_percent=D("50.00"), credit_limit=D("60000.00"), daily_trading_limit=D("1.00")
    )
    request = ChangeRequest("prp_1", ProposedChange.LIMITS, "alice", "alice", "{}")
    office.second_person.propose(request, D("60000.00"), ANNA, not_made)

    def carry_out(approval: Approval) -> object:
        return office.clients.set_limits("alice", limits, client.version, BERT, approval)

    office.second_person.approve("prp_1", BERT, carry_out)
    assert office.registry.clients["alice"].limits == limits
    lower = limits.but(credit_limit=D("5.00"))
    office.clients.set_limits("alice", lower, client.version + 1, BERT)
    office.second_person.approve("prp_1", BERT, carry_out)
    assert office.registry.clients["alice"].limits == lower
    assert office.audit.actions()[-4:] == ["approve", "set-limits", "limits-set", "approved"]


def test_limits_that_are_set_already_still_decide_the_proposal(office: Office) -> None:
    client = office.registry.clients["alice"]
    request = ChangeRequest("prp_1", ProposedChange.LIMITS, "alice", "alice", "{}")
    office.second_person.propose(request, D("60000.00"), ANNA, not_made)
    office.second_person.approve(
        "prp_1",
        BERT,
        lambda approval: office.clients.set_limits(
            "alice", client.limits, client.version, BERT, approval
        ),
    )
    assert office.second_person.show("prp_1").status(NOW) is ProposalStatus.APPROVED
