"""Last prices: gathered in the worker, written together every few seconds, read with a bounded age, and never in the way."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.backing import PREFIX
from tests.integration.trading.books import items
from tests.unit.api.clock import Clock
from trading.adapters.last_prices import BATCH_WRITE_LIMIT, TableLastPrices

CONTROL = f"{PREFIX}control"


def worker(dynamodb: Any, clock: Clock, table: str = CONTROL) -> TableLastPrices:
    return TableLastPrices(dynamodb, table, clock)


def written(dynamodb: Any) -> dict[str, Decimal]:
    return {item["name"]: item["price"] for item in items(dynamodb, CONTROL)}


def calls(dynamodb: Any, operation: str) -> list[dict[str, Any]]:
    """The requests of an operation, from now on."""
    seen: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        seen.append(params)

    dynamodb.meta.events.register(f"provide-client-params.dynamodb.{operation}", note)
    return seen


def test_a_workers_first_execution_is_written_at_once_and_others_read_it(dynamodb: Any, clock: Clock) -> None:
    at = clock()
    worker(dynamodb, clock).observe("AAPL", Decimal("237.6401"), at)
    last = worker(dynamodb, clock).latest(["AAPL", "MSFT", "AAPL"])
    assert last.keys() == {"AAPL"}
    assert (last["AAPL"].price, last["AAPL"].time) == (Decimal("237.6401"), at)


def test_executions_within_five_seconds_are_written_together(dynamodb: Any, clock: Clock) -> None:
    prices, requests = worker(dynamodb, clock), calls(dynamodb, "BatchWriteItem")
    prices.observe("AAPL", Decimal(1), clock())
    for symbol, price in (("AAPL", 2), ("MSFT", 3), ("AAPL", 4)):
        clock.forward(seconds=1)
        prices.observe(symbol, Decimal(price), clock())
    assert written(dynamodb) == {"LAST#AAPL": 1}
    clock.forward(seconds=2)
    prices.observe("NVDA", Decimal(5), clock())
    assert written(dynamodb) == {"LAST#AAPL": 4, "LAST#MSFT": 3, "LAST#NVDA": 5}
    assert len(requests) == 2


def test_an_execution_that_is_reported_late_replaces_nothing_younger(dynamodb: Any, clock: Clock) -> None:
    prices, now = worker(dynamodb, clock), clock()
    prices.observe("MSFT", Decimal(3), now)
    prices.observe("AAPL", Decimal(2), now + timedelta(seconds=2))
    prices.observe("AAPL", Decimal(1), now)
    clock.forward(seconds=5)
    prices.observe("NVDA", Decimal(4), clock())
    assert written(dynamodb)["LAST#AAPL"] == 2
    clock.forward(seconds=5)
    prices.observe("AAPL", Decimal(9), clock() - timedelta(minutes=20))
    assert written(dynamodb)["LAST#AAPL"] == 2


def test_what_waited_in_an_idle_worker_is_not_written(dynamodb: Any, clock: Clock) -> None:
    idle, busy = worker(dynamodb, clock), worker(dynamodb, clock)
    idle.observe("MSFT", Decimal(3), clock())
    idle.observe("AAPL", Decimal(1), clock())
    clock.forward(seconds=30)
    busy.observe("AAPL", Decimal(2), clock())
    idle.observe("MSFT", Decimal(4), clock())
    assert written(dynamodb) == {"LAST#AAPL": 2, "LAST#MSFT": 4}


def test_one_call_takes_the_youngest_and_no_more_than_fit(dynamodb: Any, clock: Clock) -> None:
    prices, requests = worker(dynamodb, clock), calls(dynamodb, "BatchWriteItem")
    prices.observe("FIRST", Decimal(1), clock())
    for number in range(BATCH_WRITE_LIMIT + 5):
        prices.observe(f"S{number}", Decimal(number + 1), clock() + timedelta(milliseconds=number))
    clock.forward(seconds=5)
    prices.observe("LAST", Decimal(1), clock())
    assert len(requests) == 2
    names = {f"LAST#S{number}" for number in range(6, BATCH_WRITE_LIMIT + 5)}
    assert written(dynamodb).keys() == names | {"LAST#FIRST", "LAST#LAST"}


def test_a_price_is_read_from_the_worker_for_up_to_five_seconds(dynamodb: Any, clock: Clock) -> None:
    reader, writer = worker(dynamodb, clock), worker(dynamodb, clock)
    writer.observe("AAPL", Decimal(1), clock())
    requests = calls(dynamodb, "BatchGetItem")
    assert reader.latest(["AAPL"])["AAPL"].price == 1
    clock.forward(seconds=4.9)
    worker(dynamodb, clock).observe("AAPL", Decimal(2), clock())
    assert reader.latest(["AAPL"])["AAPL"].price == 1
    assert len(requests) == 1
    clock.forward(seconds=0.2)
    assert reader.latest(["AAPL"])["AAPL"].price == 2


def test_more_symbols_than_a_batch_takes(dynamodb: Any, clock: Clock) -> None:
    writer = worker(dynamodb, clock)
    writer.observe("S149", Decimal(1), clock())
    symbols = [f"S{number}" for number in range(150)]
    assert worker(dynamodb, clock).latest(symbols).keys() == {"S149"}
    assert worker(dynamodb, clock).latest([]) == {}


def test_without_the_control_table_booking_and_showing_go_on(
    dynamodb: Any, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = worker(dynamodb, clock, "no-such-table")
    prices.observe("AAPL", Decimal(1), clock())
    assert prices.latest(["AAPL"]) == {}
    counted = capsys.readouterr().out
    assert '"LastPricesLost"' in counted
    assert '"LastPricesUnavailable"' in counted


def test_what_dynamodb_leaves_unprocessed_is_counted_and_left(
    dynamodb: Any, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    def throttled(http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "BatchWriteItem":
            parsed["UnprocessedItems"] = {CONTROL: [{"PutRequest": {"Item": {}}}]}
        else:
            parsed |= {"Responses": {CONTROL: []}, "UnprocessedKeys": {CONTROL: {"Keys": []}}}

    dynamodb.meta.events.register("after-call.dynamodb", throttled)
    prices = worker(dynamodb, clock)
    prices.observe("AAPL", Decimal(1), clock())
    assert prices.latest(["AAPL"]) == {}
    counted = capsys.readouterr().out
    assert '"LastPricesLost"' in counted
    assert '"LastPricesUnavailable"' in counted
    dynamodb.meta.events.unregister("after-call.dynamodb", throttled)
    assert prices.latest(["AAPL"])["AAPL"].price == 1


def test_times_are_kept_to_the_microsecond(dynamodb: Any, clock: Clock) -> None:
    at = datetime.fromisoformat("2026-01-05T15:00:00.123456+00:00")
    clock.now = at
    worker(dynamodb, clock).observe("AAPL", Decimal("1.10"), at)
    assert worker(dynamodb, clock).latest(["AAPL"])["AAPL"].time == at
