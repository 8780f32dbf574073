"""An execution that its exchange corrects or busts is reversed in the books."""

import pytest

from tests.fakes.builders import TOMORROW, D
from tests.fakes.world import World
from tests.unit.usecases.execution.correcting import (
    START,
    assert_sound,
    breaks,
    bust,
    cash,
    child,
    correct,
    reversals,
    settle_all,
    shares,
    sums,
)
from trading.domain.ledger import BreakCode, Fill
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.values import Side
from trading.messages import PollOrder
from trading.wire import ExecType

# --- before clearing


def test_a_bust_takes_back_everything_that_the_fill_changed(world: World) -> None:
    before = sums(world)
    order = world.placed(quantity=100)
    world.fill(order, 40, "99.50")
    bust(world, order)
    now = world.current(order)
    assert (now.status, now.filled_quantity, now.busted_quantity) == (OrderStatus.ROUTING, 0, 40)
    assert (now.filled_notional, now.fees, now.remaining) == (0, 0, 60)
    assert "40 at 99.50 busted" in (now.history[-1].reason or "")
    assert sums(world) == before
    assert world.books.account("alice").held == now.hold.cash
    (reversal,) = reversals(world)
    assert (reversal.reverses, reversal.fees, reversal.settles) == (
        now.trades[0],
        D("-0.12"),
        False,
    )
    assert_sound(world)


def test_the_busted_shares_do_not_go_back_to_the_market(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 40)
    bust(world, order)
    world.fill(order, 60)
    now = world.current(order)
    assert (now.status, now.reason_code) == (OrderStatus.CANCELED, EndReason.EXECUTION_BUSTED)
    assert (now.filled_quantity, now.busted_quantity, len(now.children)) == (60, 40, 1)
    assert world.books.account("alice").held == 0
    assert world.books.account("alice").notional_today == D("6000.00")
    settle_all(world)
    assert_sound(world, final=True)


def test_a_correction_replaces_quantity_price_and_fee(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 40, "99.50")
    correct(world, order, 30, "99.00")
    now = world.current(order)
    assert (now.filled_quantity, now.busted_quantity, now.remaining) == (30, 10, 60)
    assert (now.filled_notional, now.fees) == (D("2970.00"), D("0.09"))
    assert cash(world) == START - D("2970.09")
    assert shares(world) == 1030
    fill = world.books.fill(now.trades[1])
    assert fill is not None
    assert (fill.corrects, fill.peak_quantity) == (now.trades[0], 40)
    assert_sound(world)


def test_a_correction_upwards_takes_from_what_remains(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 40)
    correct(world, order, 70, "99.90")
    now = world.current(order)
    assert (now.filled_quantity, now.busted_quantity, now.remaining) == (70, 0, 30)
    assert_sound(world)
    correct(world, order, 100, "99.80", "1c")
    assert world.current(order).status is OrderStatus.CLEARED
    assert world.books.account("alice").held == 0
    assert_sound(world)


def test_a_correction_of_a_correction_and_its_bust(world: World) -> None:
    before = sums(world)
    order = world.placed(quantity=100)
    world.fill(order, 40)
    correct(world, order, 30, "99.90")
    correct(world, order, 40, "99.80", "1c")
    now = world.current(order)
    assert (now.filled_quantity, now.busted_quantity) == (40, 0)
    world.report(world.exchanges.bust(child(order), f"{child(order)}-1cc"))
    now = world.current(order)
    assert (now.filled_quantity, now.busted_quantity, len(reversals(world))) == (0, 40, 3)
    assert sums(world) == before
    assert_sound(world)


def test_the_price_of_a_fill_can_be_corrected_after_an_overfill_was_refused(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 60)
    world.fill(order, 500)
    correct(world, order, 60, "99.90")
    assert breaks(world) == [BreakCode.OVERFILL]
    assert world.current(order).filled_notional == D("5994.00")


def test_the_same_correction_twice_changes_nothing(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 40)
    report = correct(world, order, 30, "99.90")
    before = dict(world.books.items)
    world.report(report)
    busted = bust_of = world.exchanges.bust(child(order), f"{child(order)}-1c")
    world.report(busted)
    after = dict(world.books.items)
    world.report(bust_of)
    assert world.books.items == after != before
    assert breaks(world) == []


def test_a_late_repetition_of_a_busted_execution_does_not_book_it_again(world: World) -> None:
    order = world.placed(quantity=100)
    report = world.fill(order, 40)
    bust(world, order)
    before = dict(world.books.items)
    world.report(report)
    assert world.books.items == before


def test_a_sale_is_reversed_with_its_cost(world: World) -> None:
    before = sums(world)
    order = world.placed(quantity=50, side=Side.SELL, limit_price=D("99.00"))
    world.fill(order, 20, "101.00")
    correct(world, order, 15, "102.00")
    position = world.books.position("alice", "AAPL")
    assert (position.quantity, position.held) == (985, 30)
    assert position.cost_basis == D("90000.00") - D("1350.00")
    assert position.realised_profit == D("1530.00") - D("0.04") - D("1350.00")
    world.report(world.exchanges.bust(child(order), f"{child(order)}-1c"))
    assert sums(world) == before
    assert_sound(world)


def test_a_loan_is_given_back_by_a_bust(world: World) -> None:
    world.add_client("bob", cash="9000.00", margin_percent=D(60), credit_limit=D("8000.00"))
    order = world.placed(client_id="bob", quantity=100)
    world.fill(order, 100)
    assert world.books.account("bob").credit_used > 0
    bust(world, order)
    account = world.books.account("bob")
    assert (account.available, account.credit_used) == (D("9000.00"), 0)
    assert account.credit_available == D("8000.00")
    assert_sound(world)


def test_a_bust_does_not_repay_a_loan_that_a_sale_has_repaid(world: World) -> None:
    """The sale settles on the day of the purchase, a day before the purchase does."""
    world.add_client(
        "bob", cash="9000.00", shares=100, margin_percent=D(60), credit_limit=D("8000.00")
    )
    sale = world.placed("sale", client_id="bob", side=Side.SELL)
    world.fill(sale, 100)
    world.advance(days=1)
    bought = world.placed("bought", client_id="bob")
    world.fill(bought, 100)
    assert world.books.account("bob").credit_used > 0
    world.settlement_cycle(TOMORROW)
    assert world.books.account("bob").credit_used == 0
    bust(world, bought)
    account = world.books.account("bob")
    assert (account.total, account.credit_used) == (D("18999.70"), 0)
    assert account.credit_available == D("8000.00")
    assert world.failures == []
    assert_sound(world)


def test_a_corrected_purchase_draws_the_loan_that_it_repaid(world: World) -> None:
    world.add_client("bob", cash="9000.00", margin_percent=D(60), credit_limit=D("4000.12"))
    order = world.placed(client_id="bob", quantity=100)
    world.fill(order, 100)
    assert world.books.account("bob").credit_available == 0
    correct(world, order, 100, "99.00")
    account = world.books.account("bob")
    assert (account.credit_used, account.credit_available) == (D("3960.12"), D("40.00"))
    assert account.available == D("9000.00") - D("5940.18")
    assert_sound(world)


# --- the order in which reports arrive


def test_a_correction_that_comes_first_waits_for_its_execution(world: World) -> None:
    order = world.placed(quantity=100)
    fill = world.exchanges.fill(child(order), 100, "100.00")
    correction = world.exchanges.correct(child(order), fill.execution_id, 100, "99.00")
    again = world.exchanges.correct(child(order), correction.execution_id, 90, "98.00")
    for report in (again, correction, correction):
        world.report(report)
    assert len(world.current(order).parked) == 2
    assert world.current(order).filled_quantity == 0
    world.report(fill)
    now = world.current(order)
    assert (now.parked, now.filled_quantity, now.filled_notional) == ((), 90, D("8820.00"))
    assert breaks(world) == []
    assert_sound(world)


def test_the_sweeper_asks_for_the_execution_that_never_came(world: World) -> None:
    order = world.placed(quantity=100)
    fill = world.exchanges.fill(child(order), 40, "100.00")
    world.report(world.exchanges.bust(child(order), fill.execution_id))
    world.advance(minutes=2)
    world.sweep()
    world.run()
    now = world.current(order)
    assert (now.parked, now.filled_quantity, now.busted_quantity) == ((), 0, 40)
    assert_sound(world)


def test_a_correction_of_an_unknown_execution_becomes_a_break(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 100)
    report = bust(world, order)
    wrong = report.model_copy(update={"execution_id": "x", "reference_execution_id": "never"})
    world.report(wrong)
    assert len(world.current(order).parked) == 1
    world.exchanges.down.add("ARCX")
    world.advance(minutes=2)
    world.sweep()
    world.run()
    assert len(world.current(order).parked) == 1
    world.exchanges.down.clear()
    world.advance(minutes=6)
    world.sweep()
    world.run()
    assert world.current(order).parked == ()
    assert breaks(world) == [BreakCode.UNKNOWN_EXECUTION]
    assert world.current(order).attention_at is None


def test_an_end_with_busts_still_waits_for_every_fill(world: World) -> None:
    order = world.placed(quantity=100)
    fills = [world.exchanges.fill(child(order), quantity, "100.00") for quantity in (40, 30, 20)]
    busted = world.exchanges.bust(child(order), fills[0].execution_id)
    end = world.exchanges.end(child(order), ExecType.CANCELED)
    for report in (fills[0], end, fills[2], busted, fills[1]):
        world.report(report)
    now = world.current(order)
    assert (now.status, now.filled_quantity, now.busted_quantity) == (OrderStatus.CANCELED, 50, 40)
    assert breaks(world) == []
    assert_sound(world)


def test_a_poll_brings_what_the_exchange_did_not_report(world: World) -> None:
    order = world.placed(quantity=100)
    first = world.exchanges.fill(child(order), 40, "100.00")
    world.exchanges.fill(child(order), 20, "100.00")
    world.exchanges.correct(child(order), first.execution_id, 30, "99.00")
    world.exchanges.bust(child(order), f"{child(order)}-2")
    poll = PollOrder(client_id="alice", correlation_id="c", order_id=order.order_id)
    for _ in range(2):
        world.execute(poll)
    now = world.current(order)
    assert (now.filled_quantity, now.busted_quantity, now.filled_notional) == (30, 30, D("2970.00"))
    assert_sound(world)


# --- what an exchange may not do


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"reference_execution_id": None}, BreakCode.MALFORMED_CORRECTION),
        ({"last_quantity": 0}, BreakCode.MALFORMED_CORRECTION),
        ({"last_price": None}, BreakCode.MALFORMED_CORRECTION),
        ({"last_price": D("100.01")}, BreakCode.PRICE_WORSE_THAN_LIMIT),
        ({"last_quantity": 101}, BreakCode.OVERFILL),
        ({"account": "bob"}, BreakCode.UNKNOWN_ORDER),
        ({"symbol": "KO"}, BreakCode.OTHER_ORDER_REPORTED),
        ({"exchange_id": "XNAS"}, BreakCode.UNKNOWN_ORDER),
    ],
)
def test_a_wrong_correction_becomes_a_break(
    world: World, wrong: dict[str, object], code: BreakCode
) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 40)
    report = world.exchanges.correct(child(order), f"{child(order)}-1", 30, "99.00")
    before = sums(world)
    for _ in range(2):
        world.report(report.model_copy(update=wrong))
    assert breaks(world) == [code]
    assert sums(world) == before
    assert reversals(world) == []


def test_an_execution_of_another_order_is_not_corrected(world: World) -> None:
    first, second = world.placed("a", quantity=100), world.placed("b", quantity=100)
    world.fill(first, 40)
    world.fill(second, 40)
    report = bust_report = world.exchanges.bust(child(second), f"{child(second)}-1")
    foreign = report.model_copy(update={"reference_execution_id": f"{child(first)}-1"})
    world.report(foreign)
    assert breaks(world) == [BreakCode.OTHER_EXECUTION_REFERENCED]
    assert world.current(first).filled_quantity == 40
    world.report(bust_report.model_copy(update={"execution_id": "another"}))
    assert world.current(second).filled_quantity == 0
    assert_sound(world)


def test_a_corrected_execution_is_corrected_by_its_latest_id_only(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 40)
    report = correct(world, order, 30, "99.00")
    world.report(report.model_copy(update={"execution_id": "second"}))
    world.report(report.model_copy(update={"last_quantity": 20}))
    late = report.model_copy(update={"execution_id": "late", "exec_type": ExecType.TRADE_CANCEL})
    world.report(late)
    assert breaks(world) == [
        BreakCode.EXECUTION_SUPERSEDED,
        BreakCode.EXECUTION_CHANGED,
        BreakCode.EXECUTION_SUPERSEDED,
    ]
    assert world.current(order).filled_quantity == 30


def test_a_bust_of_a_refused_execution_changes_nothing(world: World) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 40, "100.01")
    assert breaks(world) == [BreakCode.PRICE_WORSE_THAN_LIMIT]
    before = dict(world.books.items)
    world.report(world.exchanges.bust(child(order), f"{child(order)}-1"))
    assert world.books.items == before


# --- crashes


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("call", range(1, 14))
def test_a_crash_at_any_call_leaves_one_correction(world: World, call: int, lost: bool) -> None:
    order = world.placed(quantity=100)
    world.fill(order, 100)
    report = world.exchanges.correct(child(order), f"{child(order)}-1", 60, "99.00")
    number = len(world.faults.calls) + call
    (world.faults.after if lost else world.faults.before)(number)
    world.report(report)
    assert world.current(order).filled_quantity == 60
    assert len([e for e in world.books.ledger() if isinstance(e, Fill)]) == 2
    assert_sound(world)
