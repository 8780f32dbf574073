"""The events of instruments and exchanges."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.fakes.builders import NOW, D, make_client, make_exchange, make_instrument, make_order
from tests.fakes.recorded import event_told
from trading.domain.accounts.cash import Account
from trading.domain.clients.credentials import CredentialStatus
from trading.domain.event_data import EventData
from trading.domain.events import Aggregate, AggregateKind, Event, EventType, Topic, type_of
from trading.domain.reference.instruments import Exchange, Instrument

Act = Callable[[Instrument], Instrument]


def halt(instrument: Instrument) -> Instrument:
    return instrument.with_tradable(False).saved()


def resume(instrument: Instrument) -> Instrument:
    return instrument.with_tradable(True).saved()


def reprice(instrument: Instrument) -> Instrument:
    return instrument.traded_at(D("99.00")).saved()


def told(fact: Instrument | Exchange) -> Event:
    event = event_told([fact], NOW)
    assert event is not None
    return event


def test_a_new_instrument_with_every_field() -> None:
    instrument = make_instrument(
        version=0,
        tick_size=D("0.05"),
        lot_size=10,
        limit_collar_percent=Decimal(15),
        market_collar_percent=Decimal(3),
        max_order_quantity=500,
        max_order_notional=D("9000.00"),
        settlement_days=2,
        trading_hours="continuous",
    )
    event = told(instrument)
    assert (event.id, event.sequence, event.client_id) == ("instrument/AAPL/1", 1, None)
    assert event.aggregate == Aggregate(kind=AggregateKind.INSTRUMENT, id="AAPL")
    assert event.type is EventType.INSTRUMENT_REGISTERED
    assert event.topics == (Topic.REFERENCE_DATA_EVENTS,)
    assert event.data.instrument is not None
    assert event.data.instrument.model_dump() == {
        "symbol": "AAPL",
        "version": 1,
        "name": "Apple",
        "currency": "USD",
        "reference_price": D("100.00"),
        "tick_size": D("0.05"),
        "lot_size": 10,
        "tradable": True,
        "limit_collar_percent": Decimal(15),
        "market_collar_percent": Decimal(3),
        "max_order_quantity": 500,
        "max_order_notional": D("9000.00"),
        "settlement_days": 2,
        "trading_hours": "continuous",
    }
    assert event.data == EventData(instrument=event.data.instrument)
    assert Event.model_validate_json(event.model_dump_json(exclude_none=True)) == event


@pytest.mark.parametrize(
    ("before", "act", "expected"),
    [
        ([], lambda i: i.with_tradable(False), EventType.INSTRUMENT_HALTED),
        ([halt], lambda i: i.with_tradable(True), EventType.INSTRUMENT_RESUMED),
        ([halt, resume], lambda i: i.with_tradable(False), EventType.INSTRUMENT_HALTED),
        ([], lambda i: i.traded_at(D("99.00")), EventType.INSTRUMENT_CHANGED),
        ([halt], lambda i: i.traded_at(D("99.00")), EventType.INSTRUMENT_CHANGED),
        ([halt, reprice], lambda i: i.with_tradable(True), EventType.INSTRUMENT_RESUMED),
    ],
)
def test_a_change_says_whether_it_halts_or_resumes(
    before: list[Act], act: Act, expected: EventType
) -> None:
    instrument = make_instrument()
    for earlier in before:
        instrument = earlier(instrument)
    event = told(act(instrument))
    assert event.type is expected
    assert event.sequence == 2 + len(before)
    assert event.data.instrument is not None
    assert event.data.instrument.tradable == act(instrument).tradable


def test_an_instrument_that_is_new_and_halted_is_registered() -> None:
    event = told(make_instrument(version=0).with_tradable(False))
    assert event.type is EventType.INSTRUMENT_REGISTERED
    assert event.data.instrument is not None
    assert not event.data.instrument.tradable


@pytest.mark.parametrize("status", CredentialStatus)
def test_an_exchange_with_every_field(status: CredentialStatus) -> None:
    event = told(make_exchange().with_key_status(status))
    assert (event.id, event.sequence, event.client_id) == ("exchange/XNYS/2", 2, None)
    assert event.type is EventType.EXCHANGE_CHANGED
    assert event.topics == (Topic.REFERENCE_DATA_EVENTS,)
    assert event.data.exchange is not None
    assert event.data.exchange.model_dump() == {
        "exchange_id": "XNYS",
        "version": 2,
        "name": "XNYS",
        "fee_per_share": D("0.003"),
        "key_status": status,
    }
    assert event.data == EventData(exchange=event.data.exchange)


def test_a_transaction_of_something_else_says_more_than_the_instrument() -> None:
    order, account = make_order(), Account(client_id="alice", version=6)
    assert type_of([make_instrument(), order, account]) is EventType.ORDER_ACCEPTED
    for fact in (order, account, make_client()):
        event = event_told([make_instrument(), fact], NOW)
        assert event is not None
        assert event.aggregate.kind is not AggregateKind.INSTRUMENT
