"""Events of orders that are only asked for something, or given up."""

from tests.fakes.builders import NOW, D, make_order
from tests.fakes.recorded import commits, event_told, events
from trading.domain.accounts.cash import Account
from trading.domain.events import Event, EventType, Topic, type_of
from trading.domain.ledger import Break, BreakCode, Entry, EntryKind
from trading.domain.orders.cancellation import BY_CLIENT, BY_SUSPENSION
from trading.domain.orders.end_request import REPLACED, EndRequest
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason

ACCOUNT = Account(client_id="alice", version=6, available=D("100.00"))
BREAK = Break(
    trade_id="brk_1",
    client_id="alice",
    booked_at=NOW,
    code=BreakCode.OVERFILL,
    reason="too much",
    evidence={},
)


def routed() -> Order:
    return make_order().saved().routed((("XNYS", 100),), NOW).saved()


def told(*facts: object) -> Event:
    event = event_told(facts, NOW)
    assert event is not None
    return event


def test_a_request_to_cancel_is_told_once_whoever_asks() -> None:
    for request in (BY_CLIENT, BY_SUSPENSION):
        asked = routed().with_ending(request, NOW)
        event = told(asked)
        assert event.type is EventType.ORDER_CANCEL_REQUESTED
        assert event.id == f"order/{asked.order_id}/3"
        assert event.topics == (Topic.ORDERS,)
        later = asked.saved().looked_at_next(NOW)
        assert type_of([later]) is EventType.ORDER_CHANGED


def test_the_request_of_a_client_over_that_of_an_operator_is_told_too() -> None:
    asked = routed().with_ending(BY_SUSPENSION, NOW).saved()
    assert type_of([asked.with_ending(BY_CLIENT, NOW)]) is EventType.ORDER_CANCEL_REQUESTED


def test_an_end_that_nobody_asked_for_is_no_request() -> None:
    time_over = EndRequest(status=OrderStatus.EXPIRED, reason="its time is over")
    for request in (time_over, REPLACED):
        assert type_of([routed().with_ending(request, NOW)]) is EventType.ORDER_CHANGED


def test_a_request_that_ends_a_pending_replacement_is_told_as_its_end() -> None:
    asked = routed().with_ending(BY_CLIENT, NOW)
    waits = {"order_id": "ord_2", "status": OrderStatus.RECEIVED, "version": 1}
    pending = make_order().model_copy(update=waits)
    withdrawn = pending.withdrawn(BY_CLIENT, NOW)
    assert type_of([asked, withdrawn, ACCOUNT]) is EventType.ORDER_CANCELED


def test_a_flag_is_told_once_as_a_dead_letter() -> None:
    flagged = routed().flagged_for_review("KeyError after 8 tries")
    event = told(flagged)
    assert event.type is EventType.ORDER_FLAGGED
    assert event.topics == (Topic.ORDERS, Topic.TRADE_DEAD_LETTER)
    assert "KeyError" not in event.model_dump_json()
    later = told(flagged.saved().looked_at_next(NOW))
    assert (later.type, later.topics) == (EventType.ORDER_CHANGED, (Topic.ORDERS,))
    again = told(flagged.saved().flagged_for_review("again"))
    assert again.type is EventType.ORDER_FLAGGED
    resolved = told(flagged.saved().reviewed())
    assert resolved.type is EventType.ORDER_CHANGED


def test_a_flag_with_a_break_is_told_as_the_break() -> None:
    event = told(routed().flagged_for_review("OVERFILL"), BREAK)
    assert event.type is EventType.BREAK_RECORDED
    assert event.topics == (Topic.ORDERS, Topic.TRADE_DEAD_LETTER)


def test_an_order_that_is_given_up_before_it_is_sent_is_a_dead_letter() -> None:
    order = make_order().saved()
    for code, is_dead in (
        (EndReason.PROCESSING_FAILED, True),
        (EndReason.NOT_EXECUTABLE, False),
    ):
        event = told(order.ended(OrderStatus.REJECTED, NOW, code, "said"), ACCOUNT)
        assert event.type is EventType.ORDER_REJECTED
        assert (Topic.TRADE_DEAD_LETTER in event.topics) is is_dead
        assert event.data.orders[0].reason_code is code


def test_dead_letters_are_breaks_flags_and_orders_that_could_not_be_processed() -> None:
    """By what the scenarios wrote, not by what the events say."""
    for commit in commits():
        if commit.event is None:
            continue
        orders = [fact for fact in commit.facts if isinstance(fact, Order)]
        with_break = any(
            isinstance(fact, Entry) and fact.kind is EntryKind.BREAK for fact in commit.facts
        )
        given_up = commit.site.startswith(
            ("execution/give_up_order", "posttrade/clear_trades:ClearTrades.flag")
        ) or any(order.reason_code is EndReason.PROCESSING_FAILED for order in orders)
        is_dead = Topic.TRADE_DEAD_LETTER in commit.event.topics
        assert is_dead == (with_break or given_up), commit.site


def test_who_may_not_see_orders_sees_breaks_all_the_same() -> None:
    [event, *_] = [each for each in events() if each.type is EventType.BREAK_RECORDED]
    assert Topic.TRADE_DEAD_LETTER in event.without_orders().topics
