"""Every worker avoids an exchange that failed three times in a row, until a probe succeeds."""

import time
from typing import Any

import pytest

from tests.integration.backing import PREFIX
from tests.integration.local_http import HttpAnswer
from tests.integration.trading.venue import Venue, problem_answer, state_answer, submission
from trading.adapters.dynamodb.transactions import from_item
from trading.adapters.venues.circuit import Outage, control_items, outage_name, outage_of
from trading.adapters.venues.exchanges import (
    RECOVERY_SECONDS,
    HttpExchanges,
    circuit_name,
    circuit_store,
)
from trading.adapters.venues.health import TableVenueHealth
from trading.domain.reference.instruments import Exchange
from trading.usecases.ports import NotAcceptedError, OutcomeUnknownError

CONTROL = f"{PREFIX}control"
XNYS = Exchange(exchange_id="XNYS", name="XNYS", fee_per_share="0.0030")


@pytest.fixture(autouse=True)
def wall_clock(venue: Venue) -> None:
    """The breaker reads the real time, and the tests compare what it writes with the clock of the
    test.
    """
    venue.clock.forward(seconds=time.time() - venue.clock().timestamp())


def circuit(dynamodb: Any) -> dict[str, Any]:
    answer = dynamodb.get_item(TableName=CONTROL, Key={"name": {"S": circuit_name("XNYS")}})
    return from_item(answer.get("Item", {}))


def outage(dynamodb: Any) -> Outage:
    name = outage_name("XNYS")
    found = outage_of(control_items(dynamodb, CONTROL, [name])[name])
    assert found
    return found


def another_worker(venue: Venue, dynamodb: Any) -> HttpExchanges:
    return HttpExchanges(venue.http(), circuit_store(dynamodb, CONTROL), "XNYS")


def suspended(venue: Venue, dynamodb: Any) -> frozenset[str]:
    return TableVenueHealth(dynamodb, CONTROL, lambda: [XNYS], venue.clock).suspended()


def open_circuit(exchanges: HttpExchanges, venue: Venue) -> None:
    venue.answer(HttpAnswer(500))
    for _ in range(3):
        with pytest.raises(OutcomeUnknownError):
            exchanges.status("XNYS", "ord_1-1")
    venue.received.clear()


def let_recovery_time_pass(venue: Venue, dynamodb: Any) -> None:
    dynamodb.update_item(
        TableName=CONTROL,
        Key={"name": {"S": circuit_name("XNYS")}},
        UpdateExpression="ADD opened_at :past",
        ExpressionAttributeValues={":past": {"N": str(-RECOVERY_SECONDS - 1)}},
    )


def test_the_third_failure_in_a_row_opens_the_circuit_for_all_workers(
    exchanges: HttpExchanges, venue: Venue, dynamodb: Any
) -> None:
    assert suspended(venue, dynamodb) == frozenset()
    open_circuit(exchanges, venue)
    item = circuit(dynamodb)
    assert item["state"] == "OPEN"
    assert item["expires_at"] > item["opened_at"]
    assert suspended(venue, dynamodb) == {"XNYS"}
    venue.answer(state_answer(202))
    for worker in (exchanges, another_worker(venue, dynamodb)):
        with pytest.raises(NotAcceptedError):
            worker.submit("XNYS", submission())
        with pytest.raises(OutcomeUnknownError):
            worker.cancel("XNYS", "ord_1-1")
    assert venue.received == []


def test_refusals_and_unknown_orders_are_no_failures(
    exchanges: HttpExchanges, venue: Venue, dynamodb: Any
) -> None:
    venue.answer(problem_answer(422, "BAD_PRICE"))
    for _ in range(4):
        with pytest.raises(NotAcceptedError):
            exchanges.submit("XNYS", submission())
    venue.answer(problem_answer(404, "UNKNOWN_ORDER"))
    assert [exchanges.status("XNYS", "ord_1-1") for _ in range(4)] == [None] * 4
    assert circuit(dynamodb) == {}


def test_a_success_resets_the_count_of_failures(
    exchanges: HttpExchanges, venue: Venue, dynamodb: Any
) -> None:
    down, up = problem_answer(503, "EXCHANGE_DOWN"), state_answer(202)
    venue.answer(down, down, up, down, down, up)
    for taken in (False, False, True, False, False, True):
        if taken:
            exchanges.submit("XNYS", submission())
        else:
            with pytest.raises(NotAcceptedError):
                exchanges.submit("XNYS", submission())
    assert circuit(dynamodb) == {}


def test_after_the_recovery_time_a_successful_probe_closes_the_circuit(
    exchanges: HttpExchanges, venue: Venue, dynamodb: Any
) -> None:
    open_circuit(exchanges, venue)
    let_recovery_time_pass(venue, dynamodb)
    assert suspended(venue, dynamodb) == frozenset()
    venue.answer(state_answer(202))
    prober = another_worker(venue, dynamodb)
    prober.submit("XNYS", submission())
    assert circuit(dynamodb)["state"] == "CLOSED"
    prober.submit("XNYS", submission())
    assert len(venue.received) == 2


def test_a_failed_probe_opens_the_circuit_again(
    exchanges: HttpExchanges, venue: Venue, dynamodb: Any
) -> None:
    open_circuit(exchanges, venue)
    let_recovery_time_pass(venue, dynamodb)
    prober = another_worker(venue, dynamodb)
    with pytest.raises(OutcomeUnknownError, match="500"):
        prober.status("XNYS", "ord_1-1")
    assert circuit(dynamodb)["state"] == "OPEN"
    assert suspended(venue, dynamodb) == {"XNYS"}
    venue.received.clear()
    with pytest.raises(OutcomeUnknownError):
        another_worker(venue, dynamodb).status("XNYS", "ord_1-1")
    assert venue.received == []


def test_the_cause_and_time_of_an_outage_are_kept_until_the_next_one(
    exchanges: HttpExchanges, venue: Venue, dynamodb: Any
) -> None:
    open_circuit(exchanges, venue)
    opened = outage(dynamodb)
    assert opened.cause.startswith("GET /exchanges/XNYS/orders/ord_1-1: 500")
    assert (opened.failures, opened.closed_at) == (3, None)
    assert opened.opened_at == opened.last_failed_at == venue.clock()

    let_recovery_time_pass(venue, dynamodb)
    venue.clock.forward(seconds=20)
    venue.answer(problem_answer(503, "EXCHANGE_DOWN"))
    with pytest.raises(NotAcceptedError):
        another_worker(venue, dynamodb).submit("XNYS", submission())
    still = outage(dynamodb)
    assert (still.opened_at, still.cause, still.failures) == (opened.opened_at, opened.cause, 4)
    assert "503" in still.last_error
    assert still.last_failed_at == venue.clock()

    let_recovery_time_pass(venue, dynamodb)
    venue.answer(state_answer(202))
    another_worker(venue, dynamodb).submit("XNYS", submission())
    over = outage(dynamodb)
    assert over == still.model_copy(update={"closed_at": venue.clock()})


def test_the_circuit_works_when_the_cause_cannot_be_stored(
    exchanges: HttpExchanges, venue: Venue, dynamodb: Any
) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionError("no control table")

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", refuse)
    open_circuit(exchanges, venue)
    assert circuit(dynamodb)["state"] == "OPEN"


def test_without_the_control_table_exchanges_are_still_reached(venue: Venue, dynamodb: Any) -> None:
    venue.answer(state_answer(202))
    blind = HttpExchanges(venue.http(), circuit_store(dynamodb, "no-such-table"), "XNYS")
    assert blind.submit("XNYS", submission()).leaves_quantity == 100
