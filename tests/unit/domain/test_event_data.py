"""What the data of an event say of each entity that its transaction wrote."""

from typing import Any

from tests.fakes.builders import NOW, D, holding, make_client, make_order
from tests.fakes.recorded import Commit, commits, event_told, events, of_entry
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.accounts.transfers import (
    deposit_cash,
    deposit_shares,
    withdraw_cash,
    withdraw_shares,
)
from trading.domain.event_data import EntryState, ObligationState, data_of
from trading.domain.events import EventType, Topic
from trading.domain.ledger import (
    ClosedAdvance,
    Entry,
    EntryKind,
    Fill,
    Novation,
    Settlement,
)
from trading.domain.orders.order_status import OrderStatus
from trading.domain.posttrade.netting import Discharged, obligation_of
from trading.domain.values import Side

ACCOUNT = Account(client_id="alice", version=6, available=D("100.00"))


def entry_in(commit: Commit, kind: EntryKind) -> dict[str, Any]:
    """What the event of a commit says of its entry of this kind, without what is absent."""
    assert commit.event
    [entry] = [each for each in commit.event.data.entries if each.kind is kind]
    return {name: value for name, value in entry if value is not None}


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
        "reason_code": None,
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
