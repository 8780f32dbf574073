"""Orders that need a second factor are placed with one, or not at all."""

import pytest

from tests.fakes.builders import D, make_client, make_request
from tests.fakes.world import World
from trading.domain.clients.second_factor import SecondFactorRequiredError
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.replacement import Replacement
from trading.usecases.orders.accept_order import IdempotencyKeyReusedError

WORTH = D("10000.00")
"""What 100 AAPL at 100.00 are worth."""


@pytest.fixture
def careful(world: World) -> World:
    """Alice wants a second factor for orders worth more than 9,999.99."""
    return above(world, "9999.99")


def above(world: World, amount: str) -> World:
    world.books.clients["alice"] = make_client(second_factor_above=D(amount))
    return world


def place(
    world: World, with_factor: bool, fingerprint: str = "f", **changes: object
) -> OrderStatus:
    order, _ = world.place(make_request(**changes), "key-1", fingerprint, "c", with_factor)
    return order.status


def test_an_order_that_needs_one_leaves_nothing_behind_and_its_key_stays_free(
    careful: World,
) -> None:
    with pytest.raises(SecondFactorRequiredError, match=r"more than 9999\.99"):
        place(careful, False)
    assert careful.books.all_orders() == []
    assert careful.books.account("alice").held == 0
    assert careful.workflow.started == []
    assert place(careful, True) is OrderStatus.VALIDATED
    assert careful.findings() == []


def test_the_amount_itself_needs_none(world: World) -> None:
    assert place(above(world, str(WORTH)), False) is OrderStatus.VALIDATED


def test_with_zero_every_order_needs_one(world: World) -> None:
    with pytest.raises(SecondFactorRequiredError, match="Each order"):
        place(above(world, "0.00"), False, quantity=1, limit_price=D("90.00"))


def test_a_repetition_needs_none_and_gets_the_order(careful: World) -> None:
    place(careful, True)
    order, replayed = careful.place(make_request(), "key-1", "f", "c", False)
    assert (order.status, replayed) == (OrderStatus.VALIDATED, True)
    with pytest.raises(IdempotencyKeyReusedError):
        place(careful, False, "another")


def test_an_order_that_is_rejected_anyway_asks_for_none(careful: World) -> None:
    assert place(careful, False, symbol="GONE") is OrderStatus.REJECTED


def test_a_replacement_is_judged_by_what_it_makes_of_the_order(world: World) -> None:
    old = world.placed(quantity=50)
    above(world, "9999.99")
    wanted = Replacement(quantity=100)

    def replace(with_factor: bool) -> tuple[Order, bool]:
        return world.request_replace(
            "alice", old.order_id, wanted, "new", "wanted", "c", with_factor
        )

    with pytest.raises(SecondFactorRequiredError):
        replace(False)
    assert world.current(old).ending is None
    assert len(world.books.all_orders()) == 1
    new, _ = replace(True)
    assert replace(False) == (new.saved(), True), "a repetition"


def test_a_replacement_below_the_amount_and_a_cancel_need_none(careful: World) -> None:
    place(careful, True)
    [order] = careful.books.all_orders()
    careful.run()
    careful.replace(order, quantity=90)
    careful.run()
    [replaced] = [each for each in careful.books.all_orders() if each.is_open]
    careful.cancel(replaced)
    careful.run()
    assert careful.current(replaced).status is OrderStatus.CANCELED
    assert careful.findings() == []
