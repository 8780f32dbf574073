"""What a client is shown of its cash and positions while its orders are executed."""

from collections.abc import Iterator

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World
from trading.domain.accounts.position import Position
from trading.wire import ExecutionReport


def test_a_portfolio_shows_a_fill_in_shares_and_in_cash_or_in_neither(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions are read page by page. The fill is booked just before the first page."""
    order = world.placed()
    positions, fills = world.books.positions, list[ExecutionReport]()

    def read_late(client_id: str) -> Iterator[Position]:
        if not fills:
            fills.append(world.fill(order, 100))
        yield from positions(client_id)

    monkeypatch.setattr(world.books, "positions", read_late)
    shown = world.accounts.portfolio("alice")
    assert [holding.quantity for holding in shown.positions] == [1100]
    assert shown.cash.total == D("100000.00") - D("10000.30")
