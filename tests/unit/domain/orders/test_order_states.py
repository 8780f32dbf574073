"""The order's state machine: legal and illegal transitions, and the effect of the children."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from pydantic import ValidationError

from tests.fakes.builders import NOW, D, make_order, make_received, routed_order
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import (
    FINAL,
    OPEN,
    TRANSITIONS,
    HistoryEntry,
    IllegalTransitionError,
    OrderStatus,
    is_legal_path,
)
from trading.domain.orders.order_times import expires_at
from trading.domain.orders.reasons import EndReason
from trading.domain.values import OrderType, Side, TimeInForce

S = OrderStatus
LEGAL = {
    (S.RECEIVED, S.VALIDATED),
    (S.RECEIVED, S.REJECTED),
    (S.RECEIVED, S.CANCELED),
    (S.VALIDATED, S.ROUTING),
    (S.VALIDATED, S.REJECTED),
    (S.VALIDATED, S.CANCELED),
    (S.VALIDATED, S.EXPIRED),
    (S.ROUTING, S.PARTIALLY_FILLED),
    (S.ROUTING, S.FILLED),
    (S.ROUTING, S.REJECTED),
    (S.ROUTING, S.CANCELED),
    (S.ROUTING, S.EXPIRED),
    (S.PARTIALLY_FILLED, S.PARTIALLY_FILLED),
    (S.PARTIALLY_FILLED, S.FILLED),
    (S.PARTIALLY_FILLED, S.CANCELED),
    (S.PARTIALLY_FILLED, S.EXPIRED),
    (S.FILLED, S.CLEARING),
    (S.CLEARING, S.CLEARED),
    (S.CLEARED, S.SETTLING),
    (S.SETTLING, S.SETTLED),
}


def in_status(status: OrderStatus) -> Order:
    return make_received().model_copy(update={"status": status})


def history(*statuses: OrderStatus) -> tuple[HistoryEntry, ...]:
    return tuple(HistoryEntry(status=status, time=NOW) for status in statuses)


@pytest.mark.parametrize(("before", "after"), list(product(S, S)))
def test_every_transition_is_either_legal_or_refused(
    before: OrderStatus, after: OrderStatus
) -> None:
    order = in_status(before)
    if (before, after) in LEGAL:
        moved = order.moved_to(after, NOW, "why")
        assert moved.status is after
        assert moved.history == (*order.history, HistoryEntry(status=after, time=NOW, reason="why"))
    else:
        with pytest.raises(IllegalTransitionError):
            order.moved_to(after, NOW)


def test_only_a_final_status_has_no_transition() -> None:
    assert {status for status in S if not TRANSITIONS[status]} == FINAL
    assert not OPEN & FINAL


@pytest.mark.parametrize(
    "path",
    [
        (S.RECEIVED,),
        (S.RECEIVED, S.REJECTED),
        (S.RECEIVED, S.VALIDATED, S.ROUTING, S.PARTIALLY_FILLED, S.PARTIALLY_FILLED, S.CANCELED),
        (
            S.RECEIVED,
            S.VALIDATED,
            S.ROUTING,
            S.FILLED,
            S.CLEARING,
            S.CLEARED,
            S.SETTLING,
            S.SETTLED,
        ),
    ],
)
def test_legal_histories_are_accepted(path: tuple[OrderStatus, ...]) -> None:
    assert is_legal_path(history(*path))


@pytest.mark.parametrize(
    "path",
    [
        (),
        (S.VALIDATED,),
        (S.RECEIVED, S.ROUTING),
        (S.RECEIVED, S.VALIDATED, S.ROUTING, S.FILLED, S.CANCELED),
        (S.RECEIVED, S.REJECTED, S.VALIDATED),
        (S.RECEIVED, S.VALIDATED, S.ROUTING, S.FILLED, S.CLEARED),
    ],
)
def test_illegal_histories_are_refused(path: tuple[OrderStatus, ...]) -> None:
    assert not is_legal_path(history(*path))


def test_a_history_entry_is_stored_as_a_line_and_read_back() -> None:
    plain = HistoryEntry(status=S.ROUTING, time=NOW)
    ended = HistoryEntry(status=S.CANCELED, time=NOW, reason="40 of 100  not executed")
    lines: list[object] = [plain.model_dump(), ended.model_dump(mode="json")]
    assert lines == [
        "2026-11-23T15:00:00.000000Z ROUTING",
        "2026-11-23T15:00:00.000000Z CANCELED 40 of 100  not executed",
    ]
    assert [HistoryEntry.model_validate(line) for line in lines] == [plain, ended]


@pytest.mark.parametrize(
    "line", ["", "2026-11-23T15:00:00.000000Z", "ROUTING 2026-11-23T15:00:00.000000Z", "x ROUTING"]
)
def test_a_line_that_is_no_history_entry_is_refused(line: str) -> None:
    with pytest.raises(ValidationError):
        HistoryEntry.model_validate(line)


def test_routing_continues_the_childrens_numbers_and_changes_the_status_once() -> None:
    order = routed_order(("XNYS", 60), ("XNAS", 40))
    again = order.routed((("ARCX", 10),), NOW)
    assert [(c.number, c.exchange_id, c.quantity) for c in again.children] == [
        (1, "XNYS", 60),
        (2, "XNAS", 40),
        (3, "ARCX", 10),
    ]
    assert [entry.status for entry in again.history] == [S.RECEIVED, S.VALIDATED, S.ROUTING]


def test_the_unrouted_quantity_of_an_order() -> None:
    order = make_order()
    assert order.unrouted == 100
    order = order.routed((("XNYS", 60),), NOW)
    assert order.unrouted == 40
    rejected = order.child_ended(f"{order.order_id}-1", ChildStatus.REJECTED, 0, "no")
    assert rejected.unrouted == 100


def test_an_ended_child_waits_for_its_announced_fills() -> None:
    order = routed_order(("XNYS", 100))
    child_id = f"{order.order_id}-1"
    order = order.child_ended(child_id, ChildStatus.CANCELED, 30, "by the client")
    (child,) = order.children
    assert (child.status, child.leaves, order.unrouted) == (ChildStatus.SENT, 30, 70)
    order = order.filled(child_id, "trd_1", 30, D("3000.00"), D("0.09"), NOW)
    (child,) = order.children
    assert (child.status, child.leaves, order.unrouted) == (ChildStatus.CANCELED, 0, 70)


def test_an_exchange_cannot_announce_more_fills_than_it_was_sent() -> None:
    order = routed_order(("XNYS", 100))
    order = order.child_ended(f"{order.order_id}-1", ChildStatus.CANCELED, 150, "nonsense")
    assert order.children[0].leaves == 100
    assert order.unrouted == 0


def test_a_fill_that_completes_a_child_that_was_reported_canceled_leaves_it_filled() -> None:
    order = routed_order(("XNYS", 100))
    child_id = f"{order.order_id}-1"
    order = order.child_ended(child_id, ChildStatus.CANCELED, 100, None)
    order = order.filled(child_id, "trd_1", 100, D("10000.00"), D("0.30"), NOW)
    assert order.children[0].status is ChildStatus.FILLED
    assert order.status is S.FILLED


def test_a_second_end_of_a_child_changes_nothing() -> None:
    order = routed_order(("XNYS", 100))
    child_id = f"{order.order_id}-1"
    ended = order.child_ended(child_id, ChildStatus.CANCELED, 0, "first")
    assert ended.child_ended(child_id, ChildStatus.REJECTED, 0, "second") == ended


def test_the_average_price_of_an_order() -> None:
    order = routed_order(("XNYS", 100))
    assert order.average_price is None
    child_id = f"{order.order_id}-1"
    order = order.filled(child_id, "trd_1", 1, D("99.99"), D("0.00"), NOW)
    order = order.filled(child_id, "trd_2", 2, D("200.00"), D("0.00"), NOW)
    assert order.average_price == D("99.9967")


@pytest.mark.parametrize(
    ("order_type", "time_in_force", "expected"),
    [
        (OrderType.MARKET, TimeInForce.DAY, TimeInForce.IOC),
        (OrderType.MARKET, TimeInForce.FOK, TimeInForce.FOK),
        (OrderType.LIMIT, TimeInForce.DAY, TimeInForce.DAY),
        (OrderType.LIMIT, TimeInForce.IOC, TimeInForce.IOC),
    ],
)
def test_a_market_order_never_rests(
    order_type: OrderType, time_in_force: TimeInForce, expected: TimeInForce
) -> None:
    order = make_order(order_type=order_type, time_in_force=time_in_force)
    assert order.venue_time_in_force is expected


def filled_order(quantity: int = 100) -> Order:
    order = routed_order(("XNYS", 100))
    return order.filled(f"{order.order_id}-1", "trd_1", quantity, D(quantity * 100), D("0.00"), NOW)


def test_a_filled_order_is_cleared_and_then_settled_trade_by_trade() -> None:
    order = filled_order()
    assert order.awaits_clearing
    order = order.cleared(NOW)
    assert (order.status, order.awaits_clearing, order.attention_at) == (S.CLEARED, False, None)
    order = order.settled(40, NOW)
    assert order.status is S.SETTLING
    order = order.settled(60, NOW)
    assert order.status is S.SETTLED
    assert is_legal_path(order.history)


def test_an_order_that_ended_with_fills_keeps_its_status_through_clearing_and_settlement() -> None:
    order = filled_order(40).ended(S.CANCELED, NOW, EndReason.REMAINDER_CANCELED, "60 left")
    assert order.attention_at is not None, "its fills must still be cleared"
    order = order.cleared(NOW).settled(40, NOW)
    assert (order.status, order.settled_quantity, order.attention_at) == (S.CANCELED, 40, None)


def test_an_order_that_ended_unfilled_is_at_rest() -> None:
    order = routed_order().ended(S.CANCELED, NOW, EndReason.CANCELED, "asked")
    assert (order.reason_code, order.attention_at, order.awaits_clearing) == (
        "CANCELED",
        None,
        False,
    )


def test_a_filled_order_cannot_be_canceled() -> None:
    with pytest.raises(IllegalTransitionError):
        filled_order().ended(S.CANCELED, NOW, EndReason.CANCELED, "too late")


def test_an_accepted_order_is_due_after_a_minute() -> None:
    assert make_order().attention_at == NOW + timedelta(seconds=60)


def test_an_order_has_a_hold_only_while_it_is_open() -> None:
    order = make_order(side=Side.SELL)
    assert order.hold.shares == 100
    assert order.ended(S.CANCELED, NOW, EndReason.CANCELED, "asked").hold.shares == 0


def test_a_refused_quantity_of_a_child_is_not_waited_for() -> None:
    order = routed_order(("XNYS", 100))
    child_id = f"{order.order_id}-1"
    part = order.execution_refused(child_id, 30)
    assert (part.children[0].leaves, part.children[0].status, part.unrouted) == (
        70,
        ChildStatus.SENT,
        30,
    )
    whole = part.execution_refused(child_id, 200)
    assert (whole.children[0].leaves, whole.children[0].status) == (0, ChildStatus.CANCELED)
    ended = part.child_ended(child_id, ChildStatus.EXPIRED, 30, "it counts what we refused")
    assert ended.children[0].status is ChildStatus.EXPIRED


def test_no_more_shares_are_refused_than_could_still_execute() -> None:
    order = routed_order(("XNYS", 100))
    child_id = f"{order.order_id}-1"
    order = order.filled(child_id, "trd_1", 60, D("6000.00"), D("0.18"), NOW)
    (child,) = order.execution_refused(child_id, 500).children
    assert (child.executed, child.refused, child.quantity) == (60, 40, 100)


def test_the_time_at_which_an_order_expires() -> None:
    assert expires_at(make_order()) == datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    assert expires_at(make_order(time_in_force=TimeInForce.IOC)) == NOW + timedelta(minutes=15)
    assert expires_at(make_order(time_in_force=TimeInForce.GTC)) == NOW + timedelta(days=90)
    evening = make_order(now=NOW.replace(hour=22))
    assert expires_at(evening) == datetime(2026, 11, 24, 21, 0, tzinfo=UTC)


def test_an_order_settled_in_part_before_it_was_filled_continues_from_there() -> None:
    order = filled_order(40).settled(40, NOW)
    assert (order.status, order.settled_quantity) == (S.PARTIALLY_FILLED, 40)
    order = order.filled(f"{order.order_id}-1", "trd_2", 60, D("6000.00"), D("0.00"), NOW).cleared(
        NOW
    )
    assert order.status is S.SETTLING
    order = order.settled(60, NOW)
    assert order.status is S.SETTLED
    assert is_legal_path(order.history)
