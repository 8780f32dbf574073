"""Trades and statement: which lines they show, in which order and by which pages, and that their
sums are the balances.
"""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.builders import D
from tests.fakes.world import NOW, TODAY, World
from trading.domain.accounts import transfers
from trading.domain.accounts.movements import Movement, MovementType, Trade
from trading.domain.reference.calendars import next_trading_day
from trading.domain.values import ZERO, Side
from trading.usecases.accounts import list_movements
from trading.usecases.accounts.list_movements import LedgerFilter, LineKey

LOW, HIGH = D("90.00"), D("110.00")


@pytest.fixture
def world() -> World:
    """Minutes apart: a purchase half on credit, a partly filled one, a sale in two parts, and a
    withdrawal. Then everything settles. Bob has one order.
    """
    world = World()
    world.add_client(
        "dave", cash="100000.00", shares=1000, margin_percent=D("50"), credit_limit=D("20000.00")
    )
    world.add_client("bob", cash="100000.00")
    world.advance(minutes=1)
    world.fill(world.placed("credit", client_id="dave"), 100)
    world.advance(minutes=1)
    world.fill(world.placed("bobs", client_id="bob"), 100)
    world.advance(minutes=1)
    world.fill(world.placed("part", client_id="dave"), 40, "99.00")
    world.advance(minutes=1)
    sale = world.placed(
        "sale", client_id="dave", side=Side.SELL, quantity=150, limit_price=D("101.00")
    )
    world.fill(sale, 50, "101.00")
    world.advance(minutes=1)
    world.fill(sale, 100, "102.00")
    world.advance(minutes=1)
    left, withdrawal = transfers.withdraw_cash(
        world.books.account("dave"), D("1000.00"), "wire-1", world.now
    )
    world.books.write(left, withdrawal)
    return world


def settled(world: World) -> World:
    world.now = NOW + timedelta(days=1)
    world.close_day(TODAY)
    world.run()
    world.settlement_cycle(next_trading_day(TODAY))
    return world


def pages(
    world: World, limit: int = 50, client_id: str = "dave", **wanted: Any
) -> list[list[Movement]]:
    """The lines of the statement, page by page."""
    found: list[list[Movement]] = []
    after: LineKey | None = None
    while True:
        page, after = world.list_movements.movements(
            client_id, LedgerFilter(**wanted), after, limit
        )
        found.append(page)
        if after is None:
            return found


def statement(world: World, client_id: str = "dave", **wanted: Any) -> list[Movement]:
    return [line for page in pages(world, client_id=client_id, **wanted) for line in page]


def trades(world: World, limit: int = 50, **wanted: Any) -> list[Trade]:
    found: list[Trade] = []
    after: LineKey | None = None
    while True:
        page, after = world.list_movements.trades("dave", LedgerFilter(**wanted), after, limit)
        found += page
        if after is None:
            return found


def assert_sums_are_balances(world: World, client_id: str) -> None:
    lines, account = statement(world, client_id), world.books.account(client_id)
    position = world.books.position(client_id, "AAPL")
    assert sum((line.amount for line in lines), ZERO) == account.total
    assert (
        sum((line.unsettled_amount for line in lines), ZERO)
        == account.unsettled + account.unsettled_used
    )
    assert sum(line.quantity for line in lines if line.symbol == "AAPL") == position.quantity
    assert (
        sum(line.unsettled_quantity for line in lines if line.symbol == "AAPL")
        == position.unsettled
    )


def test_a_client_sees_only_its_own_lines_newest_first(world: World) -> None:
    lines = [
        (line.type.value, line.amount, line.quantity, line.price) for line in statement(world)[:-2]
    ]
    assert lines == [
        ("withdrawal", D("-1000.00"), 0, None),
        ("trade", D("10200.00"), -100, D("102.00")),
        ("fee", D("-0.30"), 0, None),
        ("trade", D("5050.00"), -50, D("101.00")),
        ("fee", D("-0.15"), 0, None),
        ("trade", D("-3960.00"), 40, D("99.00")),
        ("loan", D("1980.06"), 0, None),
        ("fee", D("-0.12"), 0, None),
        ("trade", D("-10000.00"), 100, D("100.00")),
        ("loan", D("5000.15"), 0, None),
        ("fee", D("-0.30"), 0, None),
    ]
    opening = {
        (line.type.value, line.amount, line.quantity) for line in statement(world)[len(lines) :]
    }
    assert opening == {("deposit", ZERO, 1000), ("deposit", D("100000.00"), 0)}
    assert [line.type for line in statement(world, "bob")] == ["trade", "fee", "deposit"]
    assert statement(world, "nobody") == []


def test_the_sum_of_the_lines_is_the_balance_at_every_moment(world: World) -> None:
    for client_id in ("dave", "bob"):
        assert_sums_are_balances(world, client_id)
    settled(world)
    assert world.books.account("dave").unsettled == ZERO
    for client_id in ("dave", "bob"):
        assert_sums_are_balances(world, client_id)


def test_a_settlement_is_listed_with_its_trade_and_its_loan_repayment_apart(
    world: World,
) -> None:
    before = {line.transaction_id for line in statement(world)}
    later = [line for line in statement(settled(world)) if line.transaction_id not in before]
    settlements = [line for line in later if line.type is MovementType.SETTLEMENT]
    assert [
        (s.amount, s.quantity, s.unsettled_amount, s.unsettled_quantity) for s in settlements
    ] == [
        (ZERO, 0, D("-10199.70"), 100),
        (ZERO, 0, D("-5049.85"), 50),
        (ZERO, 0, ZERO, -40),
        (ZERO, 0, ZERO, -100),
    ]
    everything = statement(world)
    for line in settlements:
        assert everything[everything.index(line) - 1].transaction_id == f"{line.trade_id}.trade"
        assert line.booked_at == world.now
    repaid = [line for line in later if line.type is MovementType.LOAN]
    assert sum(line.amount for line in repaid) == -D("6980.21")
    assert everything[: len(repaid)] == repaid, "the repayments are the newest lines"


@pytest.mark.parametrize("limit", range(1, 20))
def test_pages_of_any_size_give_every_line_once(world: World, limit: int) -> None:
    everything = statement(settled(world))
    found = pages(world, limit)
    assert [line for page in found for line in page] == everything
    assert all(len(page) == limit for page in found[:-1])


def test_a_settlement_between_two_pages_loses_and_repeats_no_line(world: World) -> None:
    everything = statement(world)
    first, after = world.list_movements.movements("dave", LedgerFilter(), None, 2)
    settled(world)
    second, _ = world.list_movements.movements("dave", LedgerFilter(), after, 50)
    assert [
        line for line in [*first, *second] if line.type is not MovementType.SETTLEMENT
    ] == everything


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"type": MovementType.TRADE}, 4),
        ({"type": MovementType.FEE}, 4),
        ({"type": MovementType.SETTLEMENT}, 4),
        ({"type": MovementType.DEPOSIT}, 2),
        ({"type": MovementType.WITHDRAWAL}, 1),
        ({"type": MovementType.DIVIDEND}, 0),
        ({"type": MovementType.DEPOSIT, "symbol": "AAPL"}, 1),
        ({"symbol": "MSFT"}, 0),
        ({"type": MovementType.TRADE, "first": NOW + timedelta(minutes=3)}, 3),
        ({"type": MovementType.TRADE, "until": NOW + timedelta(minutes=3)}, 1),
    ],
)
def test_each_filter_selects_its_lines(world: World, wanted: dict[str, Any], expected: int) -> None:
    lines = statement(settled(world), **wanted)
    assert len(lines) == expected
    assert [line for line in statement(world) if line in lines] == lines


@pytest.mark.parametrize("movement", MovementType)
def test_a_filter_by_type_finds_the_lines_of_a_settled_reversal_too(
    world: World, movement: MovementType
) -> None:
    settled(world)
    order = next(o for o in world.books.all_orders() if o.idempotency_key == "credit")
    child_id = f"{order.order_id}-1"
    world.report(world.exchanges.bust(child_id, f"{child_id}-1"))
    world.advance(days=6)
    world.settlement_cycle(world.now.date())
    everything = statement(world)
    assert len([line for line in everything if line.type is MovementType.SETTLEMENT]) == 5
    wanted = [line for line in everything if line.type is movement]
    assert statement(world, type=movement) == wanted


def test_trades_show_their_amounts_and_whether_they_are_settled(world: World) -> None:
    sold, _, part, credit = trades(world)
    assert (sold.side, sold.quantity, sold.amount, sold.settled_at) == (
        Side.SELL,
        100,
        D("10199.70"),
        None,
    )
    assert (credit.amount, credit.drawn, credit.settlement_date) == (
        D("-10000.30"),
        D("5000.15"),
        next_trading_day(TODAY),
    )
    assert [trade.quantity for trade in trades(world, side=Side.BUY)] == [
        part.quantity,
        credit.quantity,
    ]
    assert {trade.settled_at for trade in trades(settled(world))} == {world.now}
    assert [trade.trade_id for trade in trades(world, limit=1)] == [
        trade.trade_id for trade in trades(world)
    ]


def test_a_filter_with_few_matches_reads_a_bounded_number_of_entries(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_movements, "ROUNDS", 1)
    monkeypatch.setattr(list_movements, "ENTRIES_PER_ROUND", 3)
    found = pages(world, type=MovementType.DEPOSIT)
    assert found[0] == []
    assert [line.type for page in found for line in page] == ["deposit", "deposit"]
