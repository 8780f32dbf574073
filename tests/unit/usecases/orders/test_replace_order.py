"""A client replaces an order: what is written at once, what is written when the old order ends, and
which order gets each share.
"""

from decimal import Decimal

import pytest

from tests.fakes.builders import D
from tests.fakes.world import World, quote
from trading.domain.orders.conflicts import OrderPendingError
from trading.domain.orders.end_request import EndRequest
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Side

S = OrderStatus


def test_the_new_order_waits_for_the_old_ones_end_and_the_greater_hold_is_kept(
    world: World,
) -> None:
    old = world.placed()
    new = world.replace(old, quantity=150, limit_price=D("99.50"))
    assert (new.status, new.replaces, world.current(new)) == (S.RECEIVED, old.order_id, new.saved())
    waiting = world.current(old)
    assert (waiting.status, waiting.ending, waiting.replaced_by) == (
        S.ROUTING,
        EndRequest(status=S.CANCELED, reason="replaced"),
        new.order_id,
    )
    account = world.books.account("alice")
    assert (account.held, account.open_order_ids) == (D("14925.45"), (old.order_id, new.order_id))
    assert (account.available, account.notional_today) == (D("85074.55"), D("14975.00"))
    assert world.findings() == []
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.ROUTING)
    taken_over, account = world.current(new), world.books.account("alice")
    assert (taken_over.quantity, taken_over.limit_price, taken_over.sequence) == (
        150,
        D("99.50"),
        2,
    )
    assert (account.held, account.open_order_ids) == (taken_over.hold.cash, (new.order_id,))
    assert account.notional_today == 150 * D("99.50")
    assert world.current(old).history[-1].reason == "replaced"
    world.fill(new, 150, "99.40")
    assert world.statuses(new) == (S.CLEARED,)
    assert world.findings(expect_final=False) == []


def test_shares_held_for_a_sale_move_to_the_new_order(world: World) -> None:
    old = world.placed(side=Side.SELL, quantity=1000)
    new = world.replace(old, limit_price=D("101.00"))
    world.run()
    position = world.books.position("alice", "AAPL")
    assert (position.held, position.available, world.statuses(new)) == (1000, 0, (S.ROUTING,))
    assert world.findings() == []


@pytest.mark.parametrize(
    ("before", "racing", "wanted", "left"),
    [
        (30, 0, 100, 70),
        (30, 20, 100, 50),
        (0, 60, 60, None),
        (10, 60, 60, None),
        (0, 100, 120, 20),
        (0, 100, 100, None),
    ],
)
def test_each_share_belongs_to_the_old_order_or_to_the_new_one(
    world: World, before: int, racing: int, wanted: int, left: int | None
) -> None:
    old = world.placed()
    if before:
        world.fill(old, before)
    new = world.replace(old, quantity=wanted, limit_price=D("99.00"))
    report = world.exchanges.fill(f"{old.order_id}-1", racing, "99.99") if racing else None
    world.run()
    if report:
        world.report(report)
    ended, taken_over, held = (
        world.current(old),
        world.current(new),
        world.books.account("alice").held,
    )
    assert ended.filled_quantity == before + racing
    assert not ended.is_open
    if left is None:
        assert (taken_over.status, taken_over.reason_code, held) == (
            S.REJECTED,
            "REPLACE_TOO_LATE",
            0,
        )
    else:
        assert (taken_over.status, taken_over.quantity, held) == (
            S.ROUTING,
            left,
            taken_over.hold.cash,
        )
    assert world.findings() == []


def test_the_new_order_takes_over_when_a_fill_ends_the_old_one(world: World) -> None:
    """Only the report arrives. The message that asks for the old order's end is still on
    its way.
    """
    old = world.placed()
    new = world.replace(old, quantity=130)
    (message,) = world.mailboxes.queues["execution", "alice"]
    world.mailboxes.queues["execution", "alice"].clear()
    world.fill(old, 100)
    assert world.statuses(old, new) == (S.CLEARED, S.ROUTING)
    assert world.current(new).quantity == 30
    world.mailboxes.put("execution", message)
    world.run()
    assert world.statuses(old, new) == (S.CLEARED, S.ROUTING)
    assert world.workflow.started == [old.order_id, new.order_id]
    assert world.findings() == []


def test_an_unsent_order_that_is_replaced_is_never_sent(world: World) -> None:
    old = world.order()
    new = world.replace(old, quantity=50)
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.ROUTING)
    assert world.exchanges.arrived == [f"{new.order_id}-1"]


def test_a_replacement_can_be_replaced(world: World) -> None:
    first = world.placed()
    second = world.replace(first, "second", quantity=90)
    with pytest.raises(OrderPendingError):
        world.replace(second, "third", quantity=80)
    world.run()
    world.fill(second, 40)
    third = world.replace(world.current(second), "third", quantity=80, limit_price=D("98.00"))
    world.run()
    assert world.statuses(first, second, third) == (S.CANCELED, S.CANCELED, S.ROUTING)
    taken_over = world.current(third)
    assert (taken_over.quantity, taken_over.sequence, taken_over.replaces) == (
        40,
        3,
        second.order_id,
    )
    assert world.findings() == []


def test_the_new_order_may_use_the_old_orders_funds_and_daily_limit(
    world: World,
) -> None:
    world.books.clients["alice"] = world.books.clients["alice"].model_copy(
        update={"daily_trading_limit": D("100000.00")}
    )
    old = world.placed(quantity=990)
    new = world.replace(old, quantity=995)
    world.run()
    assert world.statuses(old, new) == (S.CANCELED, S.ROUTING)
    assert world.books.account("alice").notional_today == D("99500.00")
    assert world.findings() == []


def test_a_replaced_order_that_is_filled_in_part_is_cleared(world: World) -> None:
    world.show("AAPL", quote("XNYS"))
    old = world.placed()
    world.fill(old, 40)
    world.replace(old, quantity=80)
    world.run()
    assert world.current(old).cleared_at is not None
    assert world.current(old).filled_notional == Decimal(4000)
