"""Which changes need a second person, and how one operator proposes them."""

from datetime import timedelta

import pytest

from tests.fakes.builders import NOW, D, make_client
from tests.fakes.office import Office
from tests.unit.domain.accounts.test_advances import reversal
from tests.unit.usecases.administration.proposed import ANNA, BERT, REQUEST, approve, propose
from trading.domain.accounts.transfers import NotWithdrawableError
from trading.domain.accounts.valuation import LastPrice
from trading.domain.clients.client import Limits
from trading.domain.clients.proposals import VALID_FOR, ProposalExpiredError, ProposalStatus
from trading.usecases.administration.operator_actions import TriedOut
from trading.usecases.administration.second_person import SecondPersonRequiredError
from trading.usecases.administration.transfer_assets import Cash, Shares
from trading.usecases.ports import PriceNotReadError, StaleError


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
    def too_much() -> TriedOut:
        return office.transfers.try_withdrawal("alice", Cash(amount=D("999.00")), "r", None)

    with pytest.raises(NotWithdrawableError):
        office.second_person.propose(REQUEST, D("999.00"), ANNA, too_much)
    assert office.audit.actions()[-1] == "propose"
    assert office.registry.proposals == {}


def test_what_was_done_before_is_not_proposed(office: Office) -> None:
    made = TriedOut(was_made=True)
    assert office.second_person.propose(REQUEST, D("60.00"), ANNA, lambda: made) is None
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
