"""The time that an exchange states: it is believed within limits."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World
from tests.unit.usecases.execution.reported import trade
from trading.domain.ledger import Break
from trading.domain.values import TimeInForce


@pytest.mark.parametrize("skew", [-50, 50])
def test_a_last_price_has_no_later_time_than_its_booking(world: World, skew: int) -> None:
    order = world.placed()
    world.advance(hours=1)
    world.exchanges.clock = lambda: world.now + timedelta(seconds=skew)
    world.fill(order, 100)
    last = world.prices.known["AAPL"]
    assert (last.price, last.time) == (D("100.00"), world.now + timedelta(seconds=min(skew, 0)))


@pytest.mark.parametrize("year", [2025, 2030])
def test_an_execution_of_another_year_is_a_break_and_no_last_price(world: World, year: int) -> None:
    order = world.placed(time_in_force=TimeInForce.GTC)
    world.exchanges.clock = lambda: world.now.replace(year=year)
    world.fill(order, 100)
    assert [e.code for e in world.books.ledger() if isinstance(e, Break)] == ["IMPLAUSIBLE_TIME"]
    assert world.current(order).review_reason == "IMPLAUSIBLE_TIME"
    assert world.current(order).filled_quantity == 0
    assert world.prices.known == {}
    assert not any(e.kind == "FILL" for e in world.books.ledger())


def test_a_report_of_friday_evening_settles_on_monday(world: World) -> None:
    world.now = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
    order = world.placed()
    world.advance(minutes=59)
    report = trade(world, order, 100)
    world.advance(hours=5)
    world.report(report)
    fill = next(e for e in world.books.ledger() if e.kind == "FILL")
    assert (fill.trade_date.isoformat(), fill.settlement_date.isoformat()) == (
        "2026-11-20",
        "2026-11-23",
    )
