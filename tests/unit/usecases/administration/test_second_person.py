"""One operator proposes a change, another one carries it out, once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.fakes.builders import NOW, D, make_client
from tests.fakes.faults import CrashError
from tests.fakes.office import Office
from tests.unit.domain.accounts.test_advances import reversal
from trading.domain.accounts.transfers import NotWithdrawableError
from trading.domain.accounts.valuation import LastPrice
from trading.domain.clients.client import Limits
from trading.domain.clients.proposals import (
    VALID_FOR,
    OwnProposalError,
    Proposal,
    ProposalDecidedError,
    ProposalExpiredError,
    ProposalStatus,
    ProposedChange,
)
from trading.usecases.administration.operator_actions import Approval, Operator
from trading.usecases.administration.second_person import ChangeRequest, SecondPersonRequiredError
from trading.usecases.administration.transfer_assets import Cash, Shares
from trading.usecases.ports import NotFoundError, PriceNotReadError, StaleError

ANNA = Operator(name="anna", who="anna (anna-1)", reason="asked by mail")
BERT = Operator(name="bert", who="bert (bert-1)", reason="checked")
CARLA = Operator(name="carla", who="carla (carla-1)", reason="looks odd")
WHAT = Cash(amount=D("60.00"))
REQUEST = ChangeRequest(
    proposal_id="prp_1",
    change=ProposedChange.WITHDRAWAL,
    client_id="alice",
    subject="alice",
    request='{"amount":"60.00","reference":"out-1"}',
)


@pytest.fixture
def office() -> Office:
    return Office().opened()


def not_made() -> bool:
    """Nothing speaks against the change, and nobody has made it."""
    return False


def propose(office: Office, operator: Operator = ANNA) -> Proposal:
    proposal = office.second_person.propose(REQUEST, D("60.00"), operator, not_made)
    assert proposal is not None
    return proposal


def withdraw(office: Office, operator: Operator = BERT) -> Callable[[Approval], object]:
    return lambda approval: office.transfers.withdraw("alice", WHAT, "out-1", operator, approval)


def approve(office: Office, operator: Operator = BERT) -> Proposal:
    return office.second_person.approve("prp_1", operator, withdraw(office, operator))


def available(office: Office) -> str:
    return str(office.registry.account("alice").available)


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
    assert reason == "a proposal is approved by another operator"
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


def test_the_same_request_again_finds_its_proposal_as_it_is_now(office: Office) -> None:
    first = propose(office)
    assert propose(office) == first
    approve(office)
    assert propose(office).status(NOW) is ProposalStatus.APPROVED
    assert len(office.registry.proposals) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_proposal_is_kept_whether_its_first_write_was_refused_or_not_answered(
    office: Office, when: str
) -> None:
    getattr(office.faults, when)("books.commit", StaleError())
    assert propose(office).status(NOW) is ProposalStatus.PENDING
    assert len(office.registry.proposals) == 1


def test_an_attempt_that_is_refused_is_announced(office: Office) -> None:
    def too_much() -> bool:
        return office.transfers.try_out("alice", Cash(amount=D("999.00")), "r", incoming=False)

    with pytest.raises(NotWithdrawableError):
        office.second_person.propose(REQUEST, D("999.00"), ANNA, too_much)
    assert office.audit.actions()[-1] == "propose"
    assert office.registry.proposals == {}


def test_what_was_done_before_is_not_proposed(office: Office) -> None:
    assert office.second_person.propose(REQUEST, D("60.00"), ANNA, lambda: True) is None
    assert office.registry.proposals == {}


def test_expired_proposals_hide_no_waiting_one(office: Office) -> None:
    """The port is asked for what is not expired yet."""
    propose(office)
    asked = []
    office.second_person.proposals.pending = lambda since: asked.append(since) or []  # type: ignore[method-assign, func-returns-value]
    office.now = NOW + timedelta(days=30)
    assert office.second_person.pending() == []
    assert asked == [office.now - VALID_FOR]


def test_two_copies_of_a_request_at_once_make_one_proposal(office: Office) -> None:
    office.faults.after("books.commit", StaleError())
    assert propose(office).status(NOW) is ProposalStatus.PENDING
    assert len(office.registry.proposals) == 1


def test_two_proposals_of_one_transfer_move_it_once(office: Office) -> None:
    propose(office)
    approve(office)
    second = ChangeRequest(**{**REQUEST.__dict__, "proposal_id": "prp_2"})
    office.second_person.propose(second, D("60.00"), ANNA, not_made)
    approved = office.second_person.approve("prp_2", BERT, withdraw(office))
    assert approved.status(NOW) is ProposalStatus.APPROVED
    assert available(office) == "40.00"


def test_what_waits_is_listed_until_it_is_decided_or_expires(office: Office) -> None:
    proposed = propose(office)
    assert office.second_person.pending() == [proposed]
    office.now = NOW + VALID_FOR - timedelta(seconds=1)
    assert office.second_person.pending() == [proposed]
    office.now = NOW + VALID_FOR
    assert office.second_person.pending() == []
    with pytest.raises(ProposalExpiredError):
        approve(office)
    office.now = NOW
    approve(office)
    assert office.second_person.pending() == []


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


def test_shares_count_at_the_last_price_or_the_reference_price_whichever_is_higher(
    office: Office,
) -> None:
    needs = office.second_person.transfer_needs
    reference = office.registry.instruments["AAPL"].reference_price
    many = int(D("1000.00") / reference) + 1
    assert needs(Shares(symbol="AAPL", quantity=many)) == many * reference
    assert needs(Shares(symbol="AAPL", quantity=many - 1)) is None
    office.prices.known["AAPL"] = LastPrice(symbol="AAPL", price=D("0.01"), time=NOW)
    assert needs(Shares(symbol="AAPL", quantity=many)) == many * reference
    office.prices.known["AAPL"] = LastPrice(symbol="AAPL", price=D("400.00"), time=NOW)
    assert needs(Shares(symbol="AAPL", quantity=2)) is None
    assert needs(Shares(symbol="AAPL", quantity=3)) == D("1200.00")


def test_a_deposit_counts_at_its_cost_if_that_is_more(office: Office) -> None:
    needs = office.second_person.transfer_needs
    assert needs(Shares(symbol="AAPL", quantity=1, cost=D("1000.01"))) == D("1000.01")
    office.prices.known["AAPL"] = LastPrice(symbol="AAPL", price=D("400.00"), time=NOW)
    assert needs(Shares(symbol="AAPL", quantity=3, cost=D("1.00"))) == D("1200.00")


@pytest.mark.parametrize(
    ("cash", "shares", "needed"),
    [
        ("1000.00", 0, None),
        ("1000.01", 0, "1000.01"),
        ("200.00", 2, None),
        ("200.01", 2, "1000.01"),
    ],
)
def test_an_advance_counts_as_a_whole_whatever_is_paid_back(
    office: Office, cash: str, shares: int, needed: str | None
) -> None:
    office.prices.known["AAPL"] = LastPrice(symbol="AAPL", price=D("400.00"), time=NOW)
    advance = reversal(cash, shares)
    assert office.second_person.closure_needs(advance) == (D(needed) if needed else None)


def test_shares_do_not_count_without_their_last_price_if_it_cannot_be_read(office: Office) -> None:
    """Valued at the reference price alone, a large transfer might pass."""
    for judge in (
        lambda: office.second_person.transfer_needs(Shares(symbol="AAPL", quantity=1)),
        lambda: office.second_person.closure_needs(reversal("0.00", 1)),
    ):
        office.faults.before("prices.last", PriceNotReadError("AAPL"))
        with pytest.raises(PriceNotReadError):
            judge()


@pytest.mark.parametrize(
    ("credit", "version", "needed"),
    [("60000.00", 0, None), ("60000.00", -1, "60000.00"), ("60000.00", 1, "60000.00")],
)
def test_every_high_limit_counts_if_the_client_has_another_version(
    office: Office, credit: str, version: int, needed: str | None
) -> None:
    limits = Limits(
        margin_percent=D("50.00"), credit_limit=D(credit), daily_trading_limit=D("1.00")
    )
    set_to = office.clients.set_limits(
        "alice", limits, office.registry.clients["alice"].version, BERT
    )
    found = office.second_person.limits_need("alice", limits, set_to.version + version)
    assert found == (D(needed) if needed else None)


def test_the_limits_of_an_unknown_client_need_nobody(office: Office) -> None:
    limits = Limits(
        margin_percent=D("50.00"), credit_limit=D("60000.00"), daily_trading_limit=D("1.00")
    )
    assert office.second_person.limits_need("nobody", limits, 1) is None


def test_cash_counts_as_it_is(office: Office) -> None:
    assert office.second_person.transfer_needs(Cash(amount=D("1000.00"))) is None
    assert office.second_person.transfer_needs(Cash(amount=D("1000.01"))) == D("1000.01")


def test_shares_without_any_price_count_at_their_cost(office: Office) -> None:
    assert office.second_person.transfer_needs(Shares(symbol="NONE", quantity=9)) is None


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"credit_limit": D("50000.01")}, "credit_limit"),
        ({"daily_trading_limit": D("50000.01")}, "daily_trading_limit"),
    ],
)
def test_one_operator_gives_a_new_client_no_high_limits(
    office: Office, limits: dict[str, object], field: str
) -> None:
    with pytest.raises(SecondPersonRequiredError) as refused:
        office.second_person.check_new(
            make_client(**{"daily_trading_limit": D("50000.00"), **limits})
        )
    assert (refused.value.field, refused.value.details) == (field, {"limit": "50000.00"})
    office.second_person.check_new(make_client(daily_trading_limit=D("50000.00")))
