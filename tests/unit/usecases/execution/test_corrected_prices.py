"""A trade that its exchange took back is not the last price of its symbol."""

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World
from tests.unit.usecases.execution.correcting import bust, correct


def last(world: World) -> dict[str, D]:
    return {symbol: price.price for symbol, price in world.prices.known.items()}


def test_a_busted_trade_leaves_no_last_price_until_the_next_one(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 100, "98.00")
    bust(world, order)
    assert last(world) == {}
    world.fill(world.placed("key-2", quantity=5), 5, "99.00")
    assert last(world) == {"AAPL": D("99.00")}


def test_a_corrected_trade_is_the_last_price_at_the_time_of_the_first(world: World) -> None:
    order = world.placed(quantity=100)
    executed_at = world.now
    world.fill(order, 100, "98.00")
    world.advance(hours=1)
    correct(world, order, 100, "97.00")
    assert last(world) == {"AAPL": D("97.00")}
    assert world.prices.known["AAPL"].time == executed_at


def test_a_correction_of_an_older_trade_changes_nothing(world: World) -> None:
    first, second = world.placed(quantity=5), world.placed("key-2", quantity=5)
    world.fill(first, 5, "98.00")
    world.fill(second, 5, "99.00")
    correct(world, first, 5, "97.00")
    assert last(world) == {"AAPL": D("99.00")}


@pytest.mark.parametrize("busts", [True, False])
def test_the_repetition_takes_back_the_price_that_a_dead_worker_left(
    world: World, busts: bool
) -> None:
    order = world.placed(quantity=5)
    world.fill(order, 5, "98.00")
    world.faults.before("prices.correct")
    if busts:
        bust(world, order)
    else:
        correct(world, order, 5, "97.00")
    assert world.faults.pending == 0
    assert last(world) == ({} if busts else {"AAPL": D("97.00")})
