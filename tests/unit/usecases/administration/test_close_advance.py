"""An operator closes an advance of the error account once, whatever fails on the way."""

import pytest

from tests.fakes.builders import D
from tests.fakes.every_commit import OPERATOR, advanced_shares
from tests.fakes.faults import CrashError
from tests.fakes.registry import MemoryAudit
from tests.fakes.world import World
from trading.domain.accounts.advances import AdvanceClosedError, Closure
from trading.domain.accounts.transfers import NotWithdrawableError, deposit_shares
from trading.domain.ledger import ERROR, ClosedAdvance, Reversal
from trading.usecases.administration.close_advance import CloseAdvance
from trading.usecases.ports import NotFoundError

CALLS = ["audit.write", "books.entries_at", "books.account", "books.position", "books.commit"]
PART = Closure(repaid_shares=60, reference="case-1")


@pytest.fixture
def reversal(world: World) -> Reversal:
    return advanced_shares(world)


@pytest.fixture
def audit(world: World) -> MemoryAudit:
    return MemoryAudit(world.faults)


@pytest.fixture
def close(world: World, audit: MemoryAudit) -> CloseAdvance:
    return CloseAdvance(world.books, audit, world.clock)


def deposit(world: World, quantity: int) -> None:
    position = world.books.position("erin", "AAPL")
    now, entry = deposit_shares(position, quantity, D("100.00") * quantity, "in", world.now)
    world.books.commit(now, entry)


def closed(world: World) -> list[ClosedAdvance]:
    return [entry for entry in world.books.ledger() if isinstance(entry, ClosedAdvance)]


def in_error(world: World) -> dict[str, D]:
    """What the error account has advanced and not got back, by asset."""
    postings = [p for entry in world.books.ledger() for p in entry.postings if p.account == ERROR]
    assets = {p.asset for p in postings}
    return {a: n for a in assets if (n := sum((p.amount for p in postings if p.asset == a), D(0)))}


def test_a_part_is_paid_back_and_the_rest_is_written_off(
    world: World, reversal: Reversal, close: CloseAdvance, audit: MemoryAudit
) -> None:
    assert in_error(world) == {"AAPL": -100}
    deposit(world, 70)
    entry, known = close(reversal.trade_id, PART, OPERATOR)
    assert (known, closed(world)) == (False, [entry])
    assert (entry.repaid_shares, entry.written_off_shares) == (60, 40)
    assert world.books.position("erin", "AAPL").quantity == 10
    assert in_error(world) == {}
    details = {"repaid_cash": "0.00", "repaid_shares": "60", "reference": "case-1"}
    assert [(each[0], each[1], each[4]) for each in audit.entries] == [
        (f"advance/{reversal.trade_id}", action, details)
        for action in ("close advance", "closed advance")
    ]
    assert [f for f in world.findings() if not f.message.startswith("break ")] == []


def test_everything_may_be_written_off(
    world: World, reversal: Reversal, close: CloseAdvance
) -> None:
    account = world.books.account("erin")
    entry, _ = close(reversal.trade_id, Closure(reference="case-1"), OPERATOR)
    assert (entry.repaid_shares, entry.written_off_shares) == (0, 100)
    assert world.books.account("erin").total == account.total
    assert in_error(world) == {}


def test_the_same_closure_again_is_answered_as_before(
    world: World, reversal: Reversal, close: CloseAdvance
) -> None:
    deposit(world, 60)
    first, _ = close(reversal.trade_id, PART, OPERATOR)
    assert close(reversal.trade_id, PART, OPERATOR) == (first, True)
    assert closed(world) == [first]
    assert world.books.position("erin", "AAPL").quantity == 0


@pytest.mark.parametrize(
    "other", [{"repaid_shares": 59}, {"reference": "case-2"}, {"repaid_cash": D("0.01")}]
)
def test_an_advance_is_closed_in_one_way(
    world: World, reversal: Reversal, close: CloseAdvance, other: dict[str, object]
) -> None:
    deposit(world, 60)
    close(reversal.trade_id, PART, OPERATOR)
    with pytest.raises(AdvanceClosedError) as refusal:
        close(reversal.trade_id, PART.but(**other), OPERATOR)
    assert refusal.value.details["reference"] == "case-1"
    assert len(closed(world)) == 1


def test_what_the_client_does_not_have_is_not_paid_back(
    world: World, reversal: Reversal, close: CloseAdvance, audit: MemoryAudit
) -> None:
    deposit(world, 59)
    with pytest.raises(NotWithdrawableError):
        close(reversal.trade_id, PART, OPERATOR)
    assert (closed(world), audit.actions()) == ([], ["close advance"])


def test_only_a_reversal_with_an_advance_can_be_closed(
    world: World, reversal: Reversal, close: CloseAdvance
) -> None:
    order = world.placed("covered", quantity=5)
    report = world.fill(order, 5)
    world.report(world.exchanges.bust(report.client_order_id, report.execution_id))
    others = [e for e in world.books.ledger() if isinstance(e, Reversal) and e != reversal]
    assert len(others) == 1
    for trade_id in (others[0].trade_id, reversal.reverses, "trd_unknown"):
        with pytest.raises(NotFoundError) as refusal:
            close(trade_id, PART, OPERATOR)
        assert refusal.value.field == "trade_id"


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_a_failure_at_any_call_and_a_retry_close_it_once(
    world: World, reversal: Reversal, close: CloseAdvance, call: str, lost: bool
) -> None:
    deposit(world, 60)
    (world.faults.after if lost else world.faults.before)(call)
    with pytest.raises(CrashError):
        close(reversal.trade_id, PART, OPERATOR)
    close(reversal.trade_id, PART, OPERATOR)
    assert len(closed(world)) == 1
    assert world.books.position("erin", "AAPL").quantity == 0
    assert in_error(world) == {}


def test_a_race_that_is_lost_is_decided_anew(
    world: World, reversal: Reversal, close: CloseAdvance
) -> None:
    deposit(world, 60)
    world.faults.stale(2)
    close(reversal.trade_id, PART, OPERATOR)
    assert world.faults.pending == 0
    assert len(closed(world)) == 1
