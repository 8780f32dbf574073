"""What events say of transactions."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.builders import (
    NOW,
    D,
    holding,
    make_client,
    make_order,
)
from tests.fakes.recorded import Commit, commits, event_told
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.accounts.transfers import (
    deposit_cash,
    deposit_shares,
    withdraw_cash,
    withdraw_shares,
)
from trading.domain.events import (
    AggregateKind,
    EntryState,
    Event,
    EventType,
    ObligationState,
    Topic,
    data_of,
    lead_of,
    type_of,
)
from trading.domain.ledger import (
    UNKNOWN_CLIENT,
    Break,
    BreakCode,
    ClosedAdvance,
    Entry,
    EntryKind,
    Fill,
    Novation,
    Reversal,
    Settlement,
)
from trading.domain.orders.order_status import OrderStatus
from trading.domain.posttrade.netting import Discharged, obligation_of
from trading.domain.values import Side

ACCOUNT = Account(client_id="alice", version=6, available=D("100.00"))
BREAK = Break(
    trade_id="brk_1",
    client_id="",
    booked_at=NOW,
    code=BreakCode.UNKNOWN_ORDER,
    reason="no such order",
    evidence={},
)
ONLY_OF_COMMITS_TO_COME = {EventType.ACCOUNT_CHANGED}
"""No use case writes an account without saying what happened."""


def events() -> list[Event]:
    return [commit.event for commit in commits() if commit.event]


def of_entry(kind: type[Entry]) -> Commit:
    """The first commit of the scenarios that writes such an entry."""
    return next(c for c in commits() if any(isinstance(fact, kind) for fact in c.facts))


def entry_in(commit: Commit, kind: EntryKind) -> dict[str, Any]:
    """What the event of a commit says of its entry of this kind, without what is absent."""
    assert commit.event
    [entry] = [each for each in commit.event.data.entries if each.kind is kind]
    return {name: value for name, value in entry if value is not None}


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
    assert (event.type, event.topics) == (EventType.BREAK_RECORDED, ())
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


def test_an_accepted_order_with_every_field() -> None:
    order = make_order().model_copy(update={"replaces": "ord_before", "stop_price": D("98.00")})
    event = event_told([order, holding(order)], NOW)
    assert event is not None
    [said] = event.data.orders
    assert said.model_dump() == {
        "order_id": order.order_id,
        "version": 1,
        "client_order_id": "key-1",
        "symbol": "AAPL",
        "side": Side.BUY,
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "quantity": 100,
        "limit_price": D("100.00"),
        "stop_price": D("98.00"),
        "status": OrderStatus.VALIDATED,
        "filled_quantity": 0,
        "average_price": None,
        "reason": order.status_reason,
        "replaces": "ord_before",
    }
    assert event.topics == (
        Topic.ORDERS,
        Topic.BALANCE,
        Topic.TRADE_SUBMITTED,
        Topic.TRADE_VALIDATED,
    )


def test_a_balance_with_every_field() -> None:
    account = Account(
        client_id="alice",
        version=1,
        available=D("70.00"),
        held=D("20.00"),
        unsettled=D("-5.00"),
        credit_available=D("1.00"),
        credit_used=D("3.00"),
        suspended=True,
    )
    event = event_told([account], NOW)
    assert event is not None
    assert event.data.balance is not None
    assert event.data.balance.model_dump() == {
        "currency": "USD",
        "available": D("70.00"),
        "held_for_orders": D("20.00"),
        "unsettled": D("-5.00"),
        "total": account.total,
        "withdrawable": account.withdrawable,
        "margin_in_use": D("3.00"),
        "suspended": True,
    }
    assert account.total == D("85.00")


def test_a_position_and_a_client_with_every_field() -> None:
    position = Position(
        client_id="alice",
        symbol="AAPL",
        available=5,
        held=2,
        unsettled=-1,
        cost_basis=D("60.00"),
        realised_profit=D("-4.00"),
    )
    client = make_client(version=2, credit_limit=D("9.00"))
    event = event_told([ACCOUNT, position, client], NOW)
    assert event is not None
    assert [each.model_dump() for each in event.data.positions] == [
        {
            "symbol": "AAPL",
            "available": 5,
            "held": 2,
            "unsettled": -1,
            "cost_basis": D("60.00"),
            "realised_profit": D("-4.00"),
        }
    ]
    assert event.data.client is not None
    assert event.data.client.model_dump() == {
        "version": 3,
        "status": client.status,
        "margin_percent": client.margin_percent,
        "credit_limit": D("9.00"),
        "daily_trading_limit": D("1000000"),
    }
    assert event.topics == (Topic.BALANCE, Topic.POSITIONS, Topic.POSITION_UPDATED)


def test_a_fill_with_every_field() -> None:
    commit = of_entry(Fill)
    [fill] = [fact for fact in commit.facts if isinstance(fact, Fill)]
    assert entry_in(commit, EntryKind.FILL) == {
        "trade_id": fill.trade_id,
        "kind": EntryKind.FILL,
        "order_id": fill.order_id,
        "exchange_id": fill.exchange_id,
        "symbol": fill.symbol,
        "side": fill.side,
        "quantity": fill.quantity,
        "price": fill.price,
        "fees": fill.fees,
        "amount": fill.notional + fill.side.sign * fill.fees,
        "executed_at": fill.executed_at,
        "settlement_date": fill.settlement_date,
    }
    assert fill.fees > 0
    assert commit.event is not None
    assert commit.event.data.balance is not None
    assert len(commit.event.data.positions) == 1
    assert commit.event.topics == (
        Topic.ORDERS,
        Topic.TRADES,
        Topic.BALANCE,
        Topic.POSITIONS,
        Topic.POSITION_UPDATED,
    )


def test_a_correction_names_the_trade_that_it_reverses_and_the_one_that_replaces_it() -> None:
    commit = next(
        c
        for c in commits()
        if {EntryKind.FILL, EntryKind.REVERSAL}
        <= {fact.kind for fact in c.facts if isinstance(fact, Entry)}
    )
    reversal, fill = (entry_in(commit, kind) for kind in (EntryKind.REVERSAL, EntryKind.FILL))
    assert reversal["corrected_by"] == fill["trade_id"]
    assert fill["corrects"] == reversal["reverses"]
    assert reversal["side"] is not fill["side"]
    assert commit.event is not None
    assert commit.event.type is EventType.TRADE_REVERSED


def test_a_bust_names_no_trade_that_replaces_the_one_that_it_reverses() -> None:
    busted = [
        entry
        for event in events()
        for entry in event.data.entries
        if entry.kind is EntryKind.REVERSAL and entry.corrected_by is None
    ]
    assert busted
    assert all(entry.reverses for entry in busted)


def test_a_novation_comes_with_its_obligation() -> None:
    commit = of_entry(Novation)
    assert commit.event is not None
    assert entry_in(commit, EntryKind.NOVATION).keys() == {"trade_id", "kind", "order_id"}
    [owed] = commit.event.data.obligations
    assert owed.trade_id == commit.event.data.entries[0].trade_id
    assert owed.discharged is False


def test_a_settlement_with_every_field_and_what_it_discharged() -> None:
    commit = of_entry(Settlement)
    [settlement] = [fact for fact in commit.facts if isinstance(fact, Settlement)]
    [discharged] = [fact for fact in commit.facts if isinstance(fact, Discharged)]
    assert entry_in(commit, EntryKind.SETTLEMENT) == {
        "trade_id": settlement.trade_id,
        "kind": EntryKind.SETTLEMENT,
        "order_id": settlement.order_id,
        "symbol": settlement.symbol,
        "amount": settlement.final_amount,
        "settlement_date": settlement.settlement_date,
    }
    owed = discharged.obligation
    assert commit.event is not None
    assert commit.event.data.obligations == (
        ObligationState(
            trade_id=owed.trade_id,
            settlement_date=owed.settlement_date,
            symbol=owed.symbol,
            side=owed.side,
            quantity=owed.quantity,
            amount=owed.amount,
            discharged=True,
        ),
    )
    assert Topic.SETTLEMENT_COMPLETED in commit.event.topics


def test_an_obligation_is_open_until_it_is_discharged() -> None:
    fill = next(fact for fact in of_entry(Fill).facts if isinstance(fact, Fill))
    owed = obligation_of(fill)
    said = data_of([owed, Discharged(obligation=owed)]).obligations
    assert [each.discharged for each in said] == [False, True]
    assert said[0].model_copy(update={"discharged": True}) == said[1]


def test_a_closed_advance_names_its_order() -> None:
    closed = entry_in(of_entry(ClosedAdvance), EntryKind.CLOSED_ADVANCE)
    assert closed.keys() == {"trade_id", "kind", "order_id"}


def test_a_transfer_of_cash_says_how_much_and_not_which_way() -> None:
    account, into = deposit_cash(ACCOUNT, D("25.00"), "in", NOW)
    _, out = withdraw_cash(account, D("10.00"), "out", NOW)
    for entry, amount, reference in ((into, "25.00", "in"), (out, "10.00", "out")):
        [said] = data_of([entry]).entries
        assert said == EntryState(
            trade_id=entry.trade_id,
            kind=EntryKind(entry.kind),
            amount=D(amount),
            reference=reference,
        )


def test_a_transfer_of_shares_says_how_many_and_not_which_way() -> None:
    position = Position(client_id="alice", symbol="AAPL", version=1)
    position, into = deposit_shares(position, 9, D("9.00"), "in", NOW)
    _, out = withdraw_shares(ACCOUNT, position, 4, "out", NOW)[-2:]
    for entry, quantity, reference in ((into, 9, "in"), (out, 4, "out")):
        [said] = data_of([entry]).entries
        assert said == EntryState(
            trade_id=entry.trade_id,
            kind=EntryKind(entry.kind),
            symbol="AAPL",
            quantity=quantity,
            reference=reference,
        )
