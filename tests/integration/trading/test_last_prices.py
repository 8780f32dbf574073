"""Last prices: written at most every few seconds for each symbol, and read with a bounded age. They
never stop other work.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.integration.backing import PREFIX
from tests.integration.trading.books import items
from trading.adapters.dynamodb.prices import TableLastPrices
from trading.usecases.ports import PriceNotReadError

CONTROL = f"{PREFIX}control"


def worker(dynamodb: Any, clock: Clock, table: str = CONTROL, **changes: Any) -> TableLastPrices:
    return TableLastPrices(dynamodb, table, clock, **changes)


def written(dynamodb: Any) -> dict[str, Decimal]:
    return {item["name"]: item["price"] for item in items(dynamodb, CONTROL)}


def calls(dynamodb: Any, operation: str) -> list[dict[str, Any]]:
    """The requests of an operation from now on."""
    seen: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        seen.append(params)

    dynamodb.meta.events.register(f"provide-client-params.dynamodb.{operation}", note)
    return seen


def test_a_workers_first_execution_is_written_at_once_and_others_read_it(
    dynamodb: Any, clock: Clock
) -> None:
    at = clock()
    worker(dynamodb, clock).observe("AAPL", Decimal("237.6401"), at, "trd_1")
    last = worker(dynamodb, clock).latest(["AAPL", "MSFT", "AAPL"])
    assert last.keys() == {"AAPL"}
    assert (last["AAPL"].price, last["AAPL"].time) == (Decimal("237.6401"), at)


def test_a_symbol_is_written_at_most_every_five_seconds(dynamodb: Any, clock: Clock) -> None:
    prices, requests = worker(dynamodb, clock), calls(dynamodb, "PutItem")
    for symbol, price in (("AAPL", 1), ("AAPL", 2), ("MSFT", 3), ("AAPL", 4)):
        prices.observe(symbol, Decimal(price), clock(), "trd_1")
        clock.forward(seconds=1)
    assert written(dynamodb) == {"LAST#AAPL": 1, "LAST#MSFT": 3}
    clock.forward(seconds=1.1)
    prices.observe("AAPL", Decimal(5), clock(), "trd_1")
    prices.observe("MSFT", Decimal(6), clock(), "trd_1")
    assert written(dynamodb) == {"LAST#AAPL": 5, "LAST#MSFT": 3}
    assert len(requests) == 3


def test_a_late_report_does_not_replace_a_newer_price(dynamodb: Any, clock: Clock) -> None:
    early = clock()
    clock.forward(minutes=20)
    worker(dynamodb, clock).observe("AAPL", Decimal(2), clock(), "trd_1")
    late = worker(dynamodb, clock)
    late.observe("AAPL", Decimal(1), early, "trd_1")
    assert written(dynamodb) == {"LAST#AAPL": 2}
    clock.forward(seconds=1)
    late.observe("AAPL", Decimal(3), clock(), "trd_1")
    assert written(dynamodb) == {"LAST#AAPL": 3}, "the refused write does not count"


def test_a_late_report_is_used_if_there_is_no_price(dynamodb: Any, clock: Clock) -> None:
    worker(dynamodb, clock).observe("AAPL", Decimal(1), clock() - timedelta(minutes=20), "trd_1")
    assert written(dynamodb) == {"LAST#AAPL": 1}


def test_a_worker_caches_a_price_for_up_to_five_seconds(dynamodb: Any, clock: Clock) -> None:
    reader, writer = worker(dynamodb, clock), worker(dynamodb, clock)
    writer.observe("AAPL", Decimal(1), clock(), "trd_1")
    requests = calls(dynamodb, "BatchGetItem")
    assert reader.latest(["AAPL"])["AAPL"].price == 1
    clock.forward(seconds=4.9)
    worker(dynamodb, clock).observe("AAPL", Decimal(2), clock(), "trd_1")
    assert reader.latest(["AAPL"])["AAPL"].price == 1
    assert len(requests) == 1
    clock.forward(seconds=0.2)
    assert reader.latest(["AAPL"])["AAPL"].price == 2


def test_a_worker_caches_a_missing_price_as_long(dynamodb: Any, clock: Clock) -> None:
    reader, requests = (
        worker(dynamodb, clock, read_max_age=timedelta(seconds=60)),
        calls(dynamodb, "BatchGetItem"),
    )
    assert reader.latest(["AAPL"]) == {}
    worker(dynamodb, clock).observe("AAPL", Decimal(1), clock(), "trd_1")
    clock.forward(seconds=59)
    assert reader.latest(["AAPL"]) == {}
    assert len(requests) == 1
    clock.forward(seconds=2)
    assert reader.latest(["AAPL"])["AAPL"].price == 1


def test_more_symbols_than_one_batch_are_read_in_several(dynamodb: Any, clock: Clock) -> None:
    writer = worker(dynamodb, clock)
    writer.observe("S149", Decimal(1), clock(), "trd_1")
    symbols = [f"S{number}" for number in range(150)]
    assert worker(dynamodb, clock).latest(symbols).keys() == {"S149"}
    assert worker(dynamodb, clock).latest([]) == {}


def test_without_the_control_table_booking_and_showing_continue(
    dynamodb: Any, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = worker(dynamodb, clock, "no-such-table")
    prices.observe("AAPL", Decimal(1), clock(), "trd_1")
    assert prices.latest(["AAPL"]) == {}
    counted = capsys.readouterr().out
    assert '"LastPricesLost"' in counted
    assert '"LastPricesUnavailable"' in counted
    with pytest.raises(PriceNotReadError) as unread:
        prices.last("AAPL")
    assert (unread.value.retry_after_seconds, "AAPL" in unread.value.message) == (1, True)
    assert '"LastPricesUnavailable"' in capsys.readouterr().out


def test_keys_that_dynamodb_leaves_unprocessed_are_counted_and_not_retried(
    dynamodb: Any, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    def throttled(parsed: dict[str, Any], **_: Any) -> None:
        parsed |= {"Responses": {CONTROL: []}, "UnprocessedKeys": {CONTROL: {"Keys": []}}}

    prices = worker(dynamodb, clock)
    prices.observe("AAPL", Decimal(1), clock(), "trd_1")
    dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", throttled)
    assert prices.latest(["AAPL"]) == {}
    assert '"LastPricesUnavailable"' in capsys.readouterr().out
    with pytest.raises(PriceNotReadError):
        prices.last("AAPL")
    assert '"LastPricesUnavailable"' in capsys.readouterr().out
    dynamodb.meta.events.unregister("after-call.dynamodb.BatchGetItem", throttled)
    assert prices.latest(["AAPL"])["AAPL"].price == 1


def test_one_price_is_read_or_known_to_be_missing(dynamodb: Any, clock: Clock) -> None:
    worker(dynamodb, clock).observe("AAPL", Decimal(1), clock(), "trd_1")
    prices, requests = worker(dynamodb, clock), calls(dynamodb, "BatchGetItem")
    for _ in range(2):
        last = prices.last("AAPL")
        assert last is not None
        assert (last.price, prices.last("MSFT")) == (1, None)
    assert len(requests) == 2
    clock.forward(seconds=5.1)
    worker(dynamodb, clock).observe("AAPL", Decimal(2), clock(), "trd_2")
    last = prices.last("AAPL")
    assert last is not None
    assert last.price == 2


def test_times_are_stored_to_the_microsecond(dynamodb: Any, clock: Clock) -> None:
    at = datetime.fromisoformat("2026-01-05T15:00:00.123456+00:00")
    clock.now = at
    worker(dynamodb, clock).observe("AAPL", Decimal("1.10"), at, "trd_1")
    assert worker(dynamodb, clock).latest(["AAPL"])["AAPL"].time == at


def test_a_busted_trade_is_not_the_last_price(dynamodb: Any, clock: Clock) -> None:
    at, prices = clock(), worker(dynamodb, clock)
    prices.observe("AAPL", Decimal(1), at, "trd_1")
    prices.latest(["AAPL"])
    prices.correct("AAPL", "trd_1", at, None)
    assert prices.latest(["AAPL"]) == worker(dynamodb, clock).latest(["AAPL"]) == {}
    prices.observe("AAPL", Decimal(2), at - timedelta(seconds=1), "trd_0")
    assert prices.latest(["AAPL"]) == {}, "an older execution is not the last"
    clock.forward(seconds=1)
    prices.observe("AAPL", Decimal(3), clock(), "trd_2")
    assert written(dynamodb) == {"LAST#AAPL": 3}, "the next execution is written at once"


def test_a_corrected_trade_is_the_last_price_at_the_time_of_its_execution(
    dynamodb: Any, clock: Clock
) -> None:
    at, prices = clock(), worker(dynamodb, clock)
    prices.observe("AAPL", Decimal(1), at, "trd_1")
    clock.forward(hours=1)
    for _ in range(2):
        worker(dynamodb, clock).correct("AAPL", "trd_1", at, (Decimal(2), "trd_2"))
    last = worker(dynamodb, clock).latest(["AAPL"])["AAPL"]
    assert (last.price, last.time) == (2, at)
    worker(dynamodb, clock).correct("AAPL", "trd_2", at, None)
    assert worker(dynamodb, clock).latest(["AAPL"]) == {}


def test_a_correction_of_an_older_trade_leaves_the_last_price(dynamodb: Any, clock: Clock) -> None:
    early = clock()
    clock.forward(seconds=1)
    worker(dynamodb, clock).observe("AAPL", Decimal(2), clock(), "trd_2")
    for corrected in (None, (Decimal(9), "trd_9")):
        worker(dynamodb, clock).correct("AAPL", "trd_1", early, corrected)
        worker(dynamodb, clock).correct("MSFT", "trd_1", early, corrected)
    assert written(dynamodb) == {"LAST#AAPL": 2}
