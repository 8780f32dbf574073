"""A client replaces an order: what is written at once, what when the old one ends, and who wins per share."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.builders import D, make_instrument
from tests.fakes.faults import CrashError
from tests.fakes.world import World, quote
from trading.domain.clients import ClientStatus
from trading.domain.orders import Ending, Order, OrderStatus
from trading.domain.reconciliation import Reconciliation
from trading.domain.replacement import ReplacementRefusedError
from trading.domain.values import OrderType, Side, TimeInForce
from trading.usecases.accept_order import IdempotencyKeyReusedError
from trading.usecases.cancel_order import OrderClosedError
from trading.usecases.ports import NotFoundError, OutcomeUnknownError
from trading.usecases.replace_order import OrderEndingError, OrderPendingError

S = OrderStatus


def statuses(world: World, *orders: Order) -> tuple[OrderStatus, ...]:
    return tuple(world.current(order).status for order in orders)


def test_the_new_order_waits_and_holds_nothing_until_the_old_one_has_ended(world: World) -> None:
    old = world.placed()
    held = world.books.account("alice").held
    new = world.replace(old, quantity=150, limit_price=D("99.50"))
    assert (new.status, new.replaces, world.current(new)) == (S.RECEIVED, old.order_id, new.saved())
    waiting = world.current(old)
    assert (waiting.status, waiting.ending, waiting.replaced_by) == (
        S.ROUTING,
        Ending(status=S.CANCELED, reason="replaced"),
        new.order_id,
    )
    account = world.books.account("alice")
    assert (account.held, account.open_order_ids) == (held, (old.order_id,))
    assert world.findings() == []
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.ROUTING)
    taken_over, account = world.current(new), world.books.account("alice")
    assert (taken_over.quantity, taken_over.limit_price, taken_over.sequence) == (150, D("99.50"), 2)
    assert (account.held, account.open_order_ids) == (taken_over.hold.cash, (new.order_id,))
    assert account.notional_today == 150 * D("99.50")
    assert world.current(old).history[-1].reason == "replaced"
    world.fill(new, 150, "99.40")
    assert statuses(world, new) == (S.CLEARED,)
    assert world.findings(expect_final=False) == []


def test_shares_held_for_a_sale_move_over(world: World) -> None:
    old = world.placed(side=Side.SELL, quantity=1000)
    new = world.replace(old, limit_price=D("101.00"))
    world.run()
    position = world.books.position("alice", "AAPL")
    assert (position.held, position.available, statuses(world, new)) == (1000, 0, (S.ROUTING,))
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
def test_each_share_is_executed_under_the_old_terms_or_open_to_the_new(
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
    ended, taken_over, held = world.current(old), world.current(new), world.books.account("alice").held
    assert ended.filled_quantity == before + racing
    assert not ended.is_open
    if left is None:
        assert (taken_over.status, taken_over.reason_code, held) == (S.REJECTED, "REPLACE_TOO_LATE", 0)
    else:
        assert (taken_over.status, taken_over.quantity, held) == (S.ROUTING, left, taken_over.hold.cash)
    assert world.findings() == []


def test_a_fill_that_ends_the_old_order_lets_the_new_one_in(world: World) -> None:
    """Nothing but the report arrives: the message that asks for the old one's end is still on its way."""
    old = world.placed()
    new = world.replace(old, quantity=130)
    (message,) = world.mailboxes.queues["execution", "alice"]
    world.mailboxes.queues["execution", "alice"].clear()
    world.fill(old, 100)
    assert statuses(world, old, new) == (S.CLEARED, S.ROUTING)
    assert world.current(new).quantity == 30
    world.mailboxes.put("execution", message)
    world.run()
    assert statuses(world, old, new) == (S.CLEARED, S.ROUTING)
    assert world.workflow.started == [old.order_id, new.order_id]
    assert world.findings() == []


def test_one_that_was_not_sent_yet_never_is(world: World) -> None:
    old = world.order()
    new = world.replace(old, quantity=50)
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.ROUTING)
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
    assert statuses(world, first, second, third) == (S.CANCELED, S.CANCELED, S.ROUTING)
    taken_over = world.current(third)
    assert (taken_over.quantity, taken_over.sequence, taken_over.replaces) == (40, 3, second.order_id)
    assert world.findings() == []


def test_the_funds_and_the_daily_limit_of_the_old_order_are_there_for_the_new_one(world: World) -> None:
    world.books.clients["alice"] = world.books.clients["alice"].model_copy(
        update={"daily_trading_limit": D("100000.00")}
    )
    old = world.placed(quantity=990)
    new = world.replace(old, quantity=995)
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.ROUTING)
    assert world.books.account("alice").notional_today == D("99500.00")
    assert world.findings() == []


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
def test_what_would_not_pass_is_refused_and_the_old_order_stands(
    world: World, changes: dict[str, object], code: str, field: str | None
) -> None:
    old = world.placed()
    world.fill(old, 30)
    before = dict(world.books.items)
    with pytest.raises(ReplacementRefusedError) as refused:
        world.replace(old, **changes)
    assert (refused.value.code, refused.value.field, world.books.items) == (code, field, before)
    assert world.mailboxes.waiting("execution") == []


def test_a_market_order_has_no_price_to_change(world: World) -> None:
    old = world.order(order_type=OrderType.MARKET)
    with pytest.raises(ReplacementRefusedError) as refused:
        world.replace(old, limit_price=D("100.00"))
    assert (refused.value.code, refused.value.field) == ("PRICE_NOT_ALLOWED", "price")


def test_what_is_lacking_by_then_rejects_the_new_order_and_the_old_one_ends(world: World) -> None:
    old = world.placed(quantity=500)
    new = world.replace(old, quantity=600)
    other = world.order("other", quantity=450)
    world.run()
    assert statuses(world, old, new, other) == (S.CANCELED, S.REJECTED, S.ROUTING)
    assert world.current(new).reason_code == "INSUFFICIENT_FUNDS"
    assert world.books.account("alice").held == world.current(other).hold.cash
    assert world.findings() == []


def test_a_new_order_may_not_meet_what_its_client_sent_meanwhile(world: World) -> None:
    old = world.placed(limit_price=D("99.00"))
    new = world.replace(old, limit_price=D("101.00"))
    opposite = world.order("opposite", side=Side.SELL, limit_price=D("100.50"))
    world.run()
    assert statuses(world, old, new, opposite) == (S.CANCELED, S.REJECTED, S.ROUTING)
    assert world.current(new).reason_code == "SELF_TRADE"
    assert world.findings() == []


@pytest.mark.parametrize("gone", ["client", "instrument"])
def test_who_may_not_trade_any_more_gets_no_new_order(world: World, gone: str) -> None:
    old = world.placed()
    new = world.replace(old, quantity=50)
    if gone == "client":
        world.books.clients["alice"] = world.books.clients["alice"].model_copy(update={"status": ClientStatus.INACTIVE})
    else:
        world.books.instruments["AAPL"] = make_instrument(tradable=False)
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.REJECTED)
    assert world.findings(expect_final=True) == []


def test_the_same_request_again_gets_the_first_answer(world: World) -> None:
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


def test_one_that_is_over_or_ending_cannot_be_replaced(world: World) -> None:
    filled, replaced, ending = world.placed("a"), world.placed("b", quantity=10), world.placed("c", quantity=20)
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


def test_one_whose_time_is_over_cannot_be_replaced(world: World) -> None:
    old = world.placed()
    world.advance(hours=7)
    with pytest.raises(OrderEndingError):
        world.replace(old, quantity=30)


def test_what_is_unknown_or_somebody_elses_is_not_there(world: World) -> None:
    old = world.placed()
    for stranger in (
        old.model_copy(update={"client_id": "bob"}),
        old.model_copy(update={"order_id": "ord_unknown"}),
    ):
        with pytest.raises(NotFoundError):
            world.replace(stranger, quantity=50)


@pytest.mark.parametrize("which", ["old", "new", "all", "suspended"])
def test_a_cancel_takes_back_what_was_to_replace_the_order(world: World, which: str) -> None:
    old = world.placed()
    new = world.replace(old, quantity=50)
    if which == "all":
        asked, more = world.request_cancel.all("alice")
        assert ([order.order_id for order in asked], more) == ([new.order_id], False)
    elif which == "suspended":
        world.cancel(old, reason="the client was suspended", with_replacement=True)
    else:
        _, is_under_way = world.request_cancel("alice", (old if which == "old" else new).order_id)
        assert is_under_way
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.CANCELED)
    if which != "suspended":
        assert world.request_cancel("alice", new.order_id)[1] is False
    assert world.books.account("alice").held == 0
    assert world.exchanges.arrived == [f"{old.order_id}-1"]
    assert world.findings(expect_final=True) == []


def test_a_cancel_that_was_accepted_first_holds_for_what_replaces_the_order_after_it(world: World) -> None:
    old = world.placed()
    world.request_cancel("alice", old.order_id)
    new = world.replace(old, quantity=50)
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.CANCELED)


def test_a_cancel_that_finds_the_replacement_at_work_takes_it_back(world: World) -> None:
    old = world.placed()
    world.request_cancel("alice", old.order_id)
    late = world.mailboxes.queues["execution", "alice"].popleft()
    new = world.replace(old, quantity=50)
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.ROUTING)
    world.mailboxes.put("execution", late)
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.CANCELED)


def test_the_end_of_the_day_ends_both(world: World) -> None:
    old = world.placed()
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    new = world.replace(old, quantity=50)
    world.run()
    world.advance(hours=6, minutes=5)
    world.close_day(None)
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.REJECTED)
    assert world.current(new).reason_code == "REPLACE_TOO_LATE"
    assert world.findings(expect_final=True) == []


def test_a_good_till_canceled_one_takes_over_the_next_day_and_counts_on_it(world: World) -> None:
    old = world.placed(time_in_force=TimeInForce.GTC)
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"), times=2)
    new = world.replace(old, quantity=50)
    world.run()
    world.advance(days=1)
    world.sweep()
    world.run()
    world.advance(minutes=2)
    world.sweep()
    world.run()
    taken_over = world.current(new)
    assert (taken_over.status, taken_over.business_date) == (S.ROUTING, world.now.date())
    assert world.books.account("alice").notional_on(world.now.date()) == D("5000.00")


def test_with_a_silent_exchange_both_wait_for_its_answer(world: World) -> None:
    old = world.placed()
    world.faults.before("exchanges.cancel", OutcomeUnknownError("timed out"))
    new = world.replace(old, quantity=50)
    world.run()
    assert statuses(world, old, new) == (S.ROUTING, S.RECEIVED)
    world.advance(minutes=2)
    world.sweep()
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.ROUTING)


def test_a_message_that_was_lost_is_made_good_by_the_sweeper(world: World) -> None:
    old = world.placed()
    world.faults.before("mailboxes.execution")
    new = world.replace(old, quantity=50)
    assert world.monitor.times("ReplacementsDeferred") == 1
    world.run()
    assert statuses(world, old, new) == (S.ROUTING, S.RECEIVED)
    world.advance(seconds=1)
    world.sweep()
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.ROUTING)


def test_a_workflow_that_did_not_start_is_made_good_by_the_sweeper(world: World) -> None:
    old = world.placed()
    new = world.replace(old, quantity=50)
    world.faults.before("workflow.start")
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.VALIDATED)
    world.advance(minutes=2)
    world.sweep()
    world.run()
    assert statuses(world, new) == (S.ROUTING,)


@pytest.mark.parametrize("number", range(40))
def test_a_worker_that_dies_at_any_call_changes_nothing_in_the_end(number: int) -> None:
    world = World()
    old = world.placed()
    world.fill(old, 30)
    new = world.replace(old, quantity=120, limit_price=D("99.00"))
    world.faults.after(number, CrashError("died"))
    world.run()
    for _ in range(3):
        world.advance(minutes=2)
        world.sweep()
        world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.ROUTING)
    taken_over = world.current(new)
    assert (taken_over.quantity, world.books.account("alice").held) == (90, taken_over.hold.cash)
    assert world.findings() == []


def test_what_races_a_fill_is_started_over(world: World) -> None:
    old = world.placed()
    world.faults.stale()
    new = world.replace(old, quantity=50)
    world.run()
    assert statuses(world, old, new) == (S.CANCELED, S.ROUTING)


def test_a_replaced_order_that_is_filled_in_part_is_cleared(world: World) -> None:
    world.show("AAPL", quote("XNYS"))
    old = world.placed()
    world.fill(old, 40)
    world.replace(old, quantity=80)
    world.run()
    assert world.current(old).cleared_at is not None
    assert world.current(old).filled_notional == Decimal(4000)


def test_one_that_waits_too_long_is_found_by_the_reconciliation(world: World) -> None:
    old = world.placed(time_in_force=TimeInForce.GTC)
    new = world.current(world.replace(old, quantity=50))
    for hours, findings in ((23, []), (25, [new.order_id])):
        reconciliation = Reconciliation(began=world.now + timedelta(hours=hours))
        reconciliation.add(new)
        assert [finding.subject for finding in reconciliation.findings()] == findings
