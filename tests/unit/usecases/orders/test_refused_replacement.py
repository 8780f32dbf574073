"""Replacements that are refused when they are requested or when their turn has come, and repeated
requests.
"""

import pytest

from tests.fakes.builders import D, make_instrument
from tests.fakes.world import World
from trading.domain.orders.conflicts import OrderClosedError, OrderEndingError
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.replacement import ReplacementRefusedError
from trading.domain.values import OrderType, Side
from trading.usecases.orders.accept_order import IdempotencyKeyReusedError
from trading.usecases.ports import NotFoundError, OutcomeUnknownError

S = OrderStatus


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({}, "NOTHING_TO_CHANGE", None),
        ({"quantity": 100, "limit_price": D("100.00")}, "NOTHING_TO_CHANGE", None),
        ({"quantity": 30}, "QUANTITY_FILLED", "quantity"),
        ({"limit_price": D("99.999")}, "TICK_SIZE", None),
        ({"limit_price": D("1.00")}, "PRICE_OUTSIDE_COLLAR", None),
        ({"quantity": 1100}, "INSUFFICIENT_FUNDS", None),
    ],
)
def test_an_impossible_replacement_is_refused_and_the_old_order_stands(
    world: World, changes: dict[str, object], code: str, field: str | None
) -> None:
    old = world.placed()
    world.fill(old, 30)
    before = dict(world.books.items)
    with pytest.raises(ReplacementRefusedError) as refused:
        world.replace(old, **changes)
    assert (refused.value.code, refused.value.field, world.books.items) == (code, field, before)
    assert world.mailboxes.waiting("execution") == []


def test_the_price_of_a_market_order_cannot_be_replaced(world: World) -> None:
    old = world.order(order_type=OrderType.MARKET)
    with pytest.raises(ReplacementRefusedError) as refused:
        world.replace(old, limit_price=D("100.00"))
    assert (refused.value.code, refused.value.field) == ("PRICE_NOT_ALLOWED", "price")


@pytest.mark.parametrize(
    ("daily_limit", "quantity", "lacking"),
    [
        ("1000000.00", 400, "3.00 short."),
        ("90000.00", 350, "5000.00 short."),
    ],
)
def test_a_replacement_holds_its_funds_against_later_orders(
    world: World, daily_limit: str, quantity: int, lacking: str
) -> None:
    limited = world.books.clients["alice"].model_copy(
        update={"daily_trading_limit": D(daily_limit)}
    )
    world.books.clients["alice"] = limited
    old = world.placed(quantity=500)
    new = world.replace(old, quantity=600)
    other = world.order("other", quantity=quantity)
    world.run()
    assert world.statuses(old, new, other) == (S.CANCELED, S.ROUTING, S.REJECTED)
    assert str(other.history[-1].reason).endswith(lacking)
    assert world.books.account("alice").held == world.current(new).hold.cash
    assert world.findings() == []


def test_a_fill_above_the_new_price_may_leave_too_few_funds_for_more_shares(world: World) -> None:
    """A fill under the old terms is paid first. Then the new order lacks funds and is rejected with
    its reason, and every hold is released.
    """
    old = world.placed(quantity=900)
    new = world.replace(old, quantity=1085, limit_price=D("92.00"))
    for child in world.current(old).children:
        world.exchanges.fill(f"{old.order_id}-{child.number}", child.quantity, "100.00")
    world.run()
    assert world.statuses(old, new) == (S.CLEARED, S.REJECTED)
    assert world.current(new).reason_code == "INSUFFICIENT_FUNDS"
    assert (world.books.account("alice").held, world.books.account("alice").notional_today) == (
        0,
        D("90000.00"),
    )
    assert world.findings() == []


def test_an_order_that_could_trade_with_a_pending_replacement_is_refused(world: World) -> None:
    old = world.placed(limit_price=D("99.00"))
    new = world.replace(old, limit_price=D("101.00"))
    opposite = world.order("opposite", side=Side.SELL, limit_price=D("100.50"))
    world.run()
    assert world.statuses(old, new, opposite) == (S.CANCELED, S.ROUTING, S.REJECTED)
    assert (opposite.reason_code, new.order_id in str(opposite.history[-1].reason)) == (
        "SELF_TRADE",
        True,
    )
    assert world.findings() == []


def test_a_replacement_of_a_suspended_client_does_not_take_over(world: World) -> None:
    old = world.placed()
    new = world.replace(old, quantity=50)
    account = world.books.account("alice")
    world.books.write(account.model_copy(update={"suspended": True}))
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.REJECTED)
    assert world.findings(expect_final=True) == []


def test_a_replacement_accepted_before_a_halt_takes_over(world: World) -> None:
    old = world.placed()
    new = world.replace(old, quantity=50)
    world.books.instruments["AAPL"] = make_instrument(tradable=False)
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.ROUTING)


def test_a_repeated_request_gets_the_first_answer(world: World) -> None:
    old = world.placed()
    first = world.replace(old, quantity=50)
    world.run()
    messages = world.mailboxes.waiting("execution")
    again = world.replace(old, quantity=50)
    assert (again.order_id, again.history[0]) == (first.order_id, first.history[0])
    assert world.mailboxes.waiting("execution") == messages
    with pytest.raises(IdempotencyKeyReusedError):
        world.replace(old, quantity=60)
    with pytest.raises(IdempotencyKeyReusedError):
        world.replace(old, "key-1", quantity=50)


def test_a_closed_or_ending_order_cannot_be_replaced(world: World) -> None:
    filled, replaced, ending = (
        world.placed("a"),
        world.placed("b", quantity=10),
        world.placed("c", quantity=20),
    )
    world.fill(filled, 100)
    new = world.replace(replaced, quantity=20)
    with pytest.raises(OrderEndingError, match=new.order_id):
        world.replace(replaced, "once more", quantity=30)
    world.run()
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    world.cancel(ending)
    with pytest.raises(OrderEndingError):
        world.replace(ending, "again", quantity=30)
    for order, details in (
        (filled, {"status": "CLEARED"}),
        (replaced, {"status": "CANCELED", "replaced_by": new.order_id}),
    ):
        with pytest.raises(OrderClosedError) as closed:
            world.replace(order, "late", quantity=300)
        assert closed.value.details == details


def test_an_expired_order_cannot_be_replaced(world: World) -> None:
    old = world.placed()
    world.advance(hours=7)
    with pytest.raises(OrderEndingError):
        world.replace(old, quantity=30)


def test_an_unknown_order_or_another_clients_order_is_not_found(world: World) -> None:
    old = world.placed()
    for stranger in (
        old.model_copy(update={"client_id": "bob"}),
        old.model_copy(update={"order_id": "ord_unknown"}),
    ):
        with pytest.raises(NotFoundError):
            world.replace(stranger, quantity=50)
