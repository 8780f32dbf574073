"""Registrations, halts and keys of exchanges are events, whoever writes them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import ask
from tests.integration.trading.books import NAMES, items, put
from tests.integration.trading.streams import Streams
from trading.adapters.dynamodb.outbox import event_in, is_news
from trading.adapters.dynamodb.registry import TableRegistry
from trading.domain.clients.credentials import CredentialStatus
from trading.domain.events import Event
from trading.domain.reference.instruments import Instrument


@pytest.fixture
def streams(system: System) -> Streams:
    return Streams(system)


@pytest.fixture
def registry(system: System) -> TableRegistry:
    return TableRegistry(system.dynamodb, NAMES, f"{PREFIX}credentials", system.books)


def told(streams: Streams) -> list[Event]:
    """The events since the last call that are not of accounts, orders, clients and breaks."""
    changes = [record["dynamodb"] for record in streams.publish()]
    events = [
        event_in(change["NewImage"])
        for change in changes
        if "NewImage" in change and is_news(change["NewImage"], change.get("OldImage"))
    ]
    return [event for event in events if event.aggregate.kind in ("instrument", "exchange")]


def halt(system: System, what: str, key: str) -> None:
    assert ask(system, "PUT", f"instruments/AAPL/{what}", key=key)[0] == 200


def test_a_halt_and_its_end_are_events_once_each(system: System, streams: Streams) -> None:
    told(streams)
    for what in ("halt", "resume"):
        for number in range(2):
            halt(system, what, f"{what}-{number}")
    events = told(streams)
    assert [(event.id, str(event.type)) for event in events] == [
        ("instrument/AAPL/2", "instrument.halted"),
        ("instrument/AAPL/3", "instrument.resumed"),
    ]
    assert [event.data.instrument.tradable for event in events if event.data.instrument] == [
        False,
        True,
    ]
    assert system.log_events() == [], "the log has events of accounts only"


def test_a_key_of_an_exchange_is_an_event_once(system: System, streams: Streams) -> None:
    told(streams)
    for key in ("a", "b"):
        ask(system, "PUT", "venues/XNYS/key/disable", {"reason": "leaked"}, key)
    [event] = told(streams)
    assert (event.id, event.type) == ("exchange/XNYS/2", "exchange.changed")
    assert event.data.exchange is not None
    assert event.data.exchange.key_status is CredentialStatus.INACTIVE


def test_what_is_registered_is_told(streams: Streams, registry: TableRegistry) -> None:
    told(streams)
    registry.commit(Instrument(symbol="PEP", name="PepsiCo", reference_price=Decimal("150.10")))
    [event] = told(streams)
    assert (event.id, event.type) == ("instrument/PEP/1", "instrument.registered")


def test_an_instrument_of_an_earlier_release_is_halted_and_told(
    system: System, streams: Streams, registry: TableRegistry
) -> None:
    listed: dict[str, Any] = {
        "kind": "INSTRUMENT",
        "id": "PEP",
        "symbol": "PEP",
        "name": "PepsiCo",
        "reference_price": Decimal("150.10"),
        "tradable": True,
    }
    put(system.dynamodb, NAMES.reference, listed)
    read = registry.listed("PEP")
    assert read is not None
    told(streams)
    registry.commit(read.with_tradable(False))
    [event] = told(streams)
    assert (event.id, event.type) == ("instrument/PEP/2", "instrument.halted")
    [kept] = [item for item in items(system.dynamodb, NAMES.reference) if item["id"] == "PEP"]
    assert kept.items() >= (listed | {"tradable": False, "version": 2}).items()


def test_an_update_of_an_earlier_release_is_no_news(
    system: System, streams: Streams, registry: TableRegistry
) -> None:
    """It changes one attribute and leaves version and event. The next change goes on from there."""
    halt(system, "halt", "a")
    told(streams)
    system.dynamodb.update_item(
        TableName=NAMES.reference,
        Key={"kind": {"S": "INSTRUMENT"}, "id": {"S": "AAPL"}},
        UpdateExpression="SET tradable = :tradable",
        ExpressionAttributeValues={":tradable": {"BOOL": True}},
    )
    assert told(streams) == []
    read = registry.listed("AAPL")
    assert read is not None
    assert (read.tradable, read.version) == (True, 2)
    halt(system, "halt", "b")
    [event] = told(streams)
    assert (event.id, event.type) == ("instrument/AAPL/3", "instrument.halted")
