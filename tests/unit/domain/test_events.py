"""Which events transactions have: their types, topics, aggregates and sequences."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.builders import (
    NOW,
    D,
    make_client,
    make_order,
)
from tests.fakes.recorded import commits, event_told, events, of_entry
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.event_data import EntryState
from trading.domain.events import AggregateKind, Event, EventType, Topic, lead_of, type_of
from trading.domain.ledger import (
    UNKNOWN_CLIENT,
    Break,
    BreakCode,
    ClosedAdvance,
    EntryKind,
    Fill,
    Novation,
    Reversal,
    Settlement,
)
from trading.domain.orders.order_status import OrderStatus

ACCOUNT = Account(client_id="alice", version=6, available=D("100.00"))
BREAK = Break(
    trade_id="brk_1",
    client_id="",
    booked_at=NOW,
    code=BreakCode.UNKNOWN_ORDER,
    reason="no such order",
    evidence={},
)
ONLY_OF_COMMITS_TO_COME = {EventType.ACCOUNT_CHANGED, EventType.INSTRUMENT_CHANGED}
"""No use case writes an account without saying what happened, or other terms of an instrument."""


def test_the_scenarios_reach_every_type_and_every_topic() -> None:
    assert set(EventType) - {event.type for event in events()} == ONLY_OF_COMMITS_TO_COME
    assert set(Topic) == {topic for event in events() for topic in event.topics}
    assert set(AggregateKind) == {event.aggregate.kind for event in events()}


def test_an_account_alone_has_the_type_for_everything_else() -> None:
    event = event_told([ACCOUNT], NOW)
    assert event is not None
    assert (event.type, event.topics) == (EventType.ACCOUNT_CHANGED, (Topic.BALANCE,))


def test_an_event_survives_the_way_as_text() -> None:
    for event in events():
        assert Event.model_validate_json(event.model_dump_json(exclude_none=True)) == event


def test_the_sequences_of_each_account_have_no_gap_and_no_repetition() -> None:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for commit in commits():
        event = commit.event
        if event and event.aggregate.kind is AggregateKind.ACCOUNT:
            found[commit.scenario, event.aggregate.id].append(event.sequence)
    assert len(found) > len({scenario for scenario, _ in found})
    for sequences in found.values():
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


def test_no_two_events_of_a_world_have_the_same_id() -> None:
    ids = [(commit.scenario, commit.event.id) for commit in commits() if commit.event]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("facts", "id_", "sequence", "client_id"),
    [
        ([make_order(), ACCOUNT, make_client()], "account/alice/7", 7, "alice"),
        ([make_client(), make_order()], None, 1, "alice"),
        ([make_client(version=3)], "client/alice/4", 4, "alice"),
        ([BREAK], "break/brk_1/1", 1, ""),
    ],
    ids=["account", "order", "client", "break"],
)
def test_id_and_sequence_follow_from_the_lead(
    facts: list[Any], id_: str | None, sequence: int, client_id: str
) -> None:
    event = event_told(facts, NOW)
    assert event is not None
    assert event.id == (id_ or f"order/{make_order().order_id}/1")
    assert (event.sequence, event.client_id, event.schema_version) == (sequence, client_id, 1)
    assert event == event_told(facts, NOW)


def test_a_break_of_nobody_has_an_event_of_its_own() -> None:
    event = event_told([BREAK], NOW)
    assert event is not None
    assert (event.type, event.topics) == (EventType.BREAK_RECORDED, (Topic.TRADE_DEAD_LETTER,))
    assert event.data.balance is None
    assert event.data.entries == (
        EntryState(trade_id="brk_1", kind=EntryKind.BREAK, code=BreakCode.UNKNOWN_ORDER),
    )


def test_a_break_whose_client_is_unknown_belongs_to_nobody() -> None:
    event = event_told([BREAK.but(client_id=UNKNOWN_CLIENT)], NOW)
    assert event is not None
    assert event.client_id is None
    on_the_bus = event.model_dump_json(exclude_none=True)
    assert Event.model_validate_json(on_the_bus) == event


def test_only_a_break_can_belong_to_nobody() -> None:
    event = event_told([ACCOUNT.but(client_id=UNKNOWN_CLIENT)], NOW)
    assert event is not None
    assert event.client_id == UNKNOWN_CLIENT


def test_a_replacement_that_takes_over_is_accepted() -> None:
    [waits] = [e for e in events() if e.type is EventType.ORDER_RECEIVED][:1]
    assert Topic.TRADE_SUBMITTED in waits.topics
    replaced = [e for e in events() if e.type is EventType.ORDER_REPLACED]
    assert replaced
    for event in replaced:
        old, new = sorted(event.data.orders, key=lambda order: order.replaces is not None)
        assert (old.status, new.status) == (OrderStatus.CANCELED, OrderStatus.VALIDATED)
        assert new.replaces == old.order_id
        assert Topic.TRADE_VALIDATED in event.topics
        assert Topic.TRADE_SUBMITTED not in event.topics


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (OrderStatus.CANCELED, EventType.ORDER_REPLACED),
        (OrderStatus.EXPIRED, EventType.ORDER_EXPIRED),
        (OrderStatus.FILLED, EventType.ORDER_EXECUTED),
    ],
)
def test_a_replacement_is_accepted_however_the_order_before_it_ended(
    status: OrderStatus, expected: EventType
) -> None:
    fill = next(fact for fact in of_entry(Fill).facts if isinstance(fact, Fill))
    old = make_order().model_copy(update={"status": status, "version": 4})
    new = make_order().model_copy(
        update={"order_id": "ord_new", "replaces": old.order_id, "version": 1}
    )
    entries = [fill] if status is OrderStatus.FILLED else []
    event = event_told([old, new, ACCOUNT, *entries], NOW)
    assert event is not None
    assert event.type is expected
    assert Topic.TRADE_VALIDATED in event.topics
    assert Topic.TRADE_SUBMITTED not in event.topics


@pytest.mark.parametrize("status", [OrderStatus.ROUTING, OrderStatus.PARTIALLY_FILLED])
def test_no_order_takes_the_place_of_one_that_is_open(status: OrderStatus) -> None:
    old = make_order().model_copy(update={"status": status, "version": 4})
    new = make_order().model_copy(
        update={"order_id": "ord_new", "replaces": old.order_id, "version": 1}
    )
    event = event_told([old, new, ACCOUNT], NOW)
    assert event is not None
    assert Topic.TRADE_VALIDATED not in event.topics


def test_nobody_is_told_of_what_has_no_version() -> None:
    position = Position(client_id="alice", symbol="AAPL")
    assert lead_of([position]) is None
    assert lead_of([]) is None


def test_the_time_is_that_of_the_transaction_and_the_correlation_that_of_the_order() -> None:
    later = NOW + timedelta(minutes=1)
    order = make_order()
    event = event_told([order, ACCOUNT], later)
    assert event is not None
    assert (event.time, event.correlation_id) == (later, "correlation-key-1")
    alone = event_told([ACCOUNT], later)
    assert alone is not None
    assert alone.correlation_id is None


ENTRIES = [
    Reversal,
    Fill,
    Settlement,
    Novation,
    ClosedAdvance,
    Break,
]


@pytest.mark.parametrize("earlier", range(len(ENTRIES) - 1))
def test_a_transaction_that_does_several_things_has_the_type_of_the_first(earlier: int) -> None:
    """The order of the types is that of their enum."""
    first, second = (
        next(fact for fact in of_entry(kind).facts if isinstance(fact, kind))
        for kind in ENTRIES[earlier : earlier + 2]
    )
    types = [type_of([fact]) for fact in (first, second)]
    assert types == sorted(types, key=list(EventType).index)
    assert type_of([first, second]) is type_of([second, first]) is types[0]


def test_an_entry_says_more_than_the_order_and_an_order_more_than_the_client() -> None:
    order, client = make_order(), make_client()
    assert type_of([order, client, ACCOUNT, BREAK]) is EventType.BREAK_RECORDED
    assert type_of([client, ACCOUNT, order]) is EventType.ORDER_ACCEPTED
    assert type_of([client, ACCOUNT]) is EventType.CLIENT_CHANGED


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (OrderStatus.RECEIVED, EventType.ORDER_RECEIVED),
        (OrderStatus.VALIDATED, EventType.ORDER_ACCEPTED),
        (OrderStatus.REJECTED, EventType.ORDER_REJECTED),
    ],
)
def test_a_new_order_has_the_type_of_its_status(status: OrderStatus, expected: EventType) -> None:
    order = make_order().model_copy(update={"status": status})
    assert order.version == 0
    assert type_of([order, ACCOUNT]) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (OrderStatus.REJECTED, EventType.ORDER_REJECTED),
        (OrderStatus.CANCELED, EventType.ORDER_CANCELED),
        (OrderStatus.EXPIRED, EventType.ORDER_EXPIRED),
        (OrderStatus.ROUTING, EventType.ORDER_CHANGED),
    ],
)
def test_an_order_ends_with_what_its_account_gets_back(
    status: OrderStatus, expected: EventType
) -> None:
    """A later change of an order that is over is no second end."""
    order = make_order().model_copy(update={"status": status, "version": 4})
    assert type_of([order, ACCOUNT]) is expected
    assert type_of([order]) is EventType.ORDER_CHANGED


def test_only_an_order_that_is_new_was_submitted() -> None:
    rejected = make_order().model_copy(update={"status": OrderStatus.REJECTED})
    new = event_told([rejected, ACCOUNT], NOW)
    late = event_told([rejected.model_copy(update={"version": 3}), ACCOUNT], NOW)
    assert new is not None
    assert late is not None
    assert new.type is late.type is EventType.ORDER_REJECTED
    assert Topic.TRADE_SUBMITTED in new.topics
    assert Topic.TRADE_SUBMITTED not in late.topics
    assert Topic.TRADE_VALIDATED not in new.topics
