from decimal import Decimal

import pytest

from simulators.adapters.exchange_store import ExchangeStore, OrderRecord
from simulators.adapters.tables import Table
from simulators.behaviour import ExchangeBehaviour
from simulators.dice import Dice
from simulators.dispatch import schedule
from simulators.exchange import MatchOutcome, cancel, match
from simulators.market import minute_of
from simulators.retries import ConflictError
from tests.integration.simulators.world import START, FakeContext, World, secret_of
from trading.adapters.venues.signatures import verify
from trading.wire import CALLBACK_PATH, VenueQuote


def test_an_order_is_accepted_matched_and_reported_with_signed_callbacks(world: World) -> None:
    answer = world.submit()
    assert (answer.status, answer.body["status"], answer.body["leaves_quantity"]) == (
        202,
        "NEW",
        100,
    )
    world.match()
    for received in world.owner.received:
        assert received.path.endswith(CALLBACK_PATH)
        now = int(world.now.timestamp())
        verify(
            received.headers,
            [secret_of("XNYS").encode()],
            now,
            "POST",
            CALLBACK_PATH,
            received.body,
        )
        assert received.headers["idempotency-key"] == f"XNYS:{received.report['execution_id']}"
        assert received.headers["x-correlation-id"] == "corr-1"
    reports, state = world.owner.reports, world.status().body
    assert (state["status"], state["cumulative_quantity"], state["leaves_quantity"]) == (
        "FILLED",
        100,
        0,
    )
    assert [report["execution_id"] for report in reports] == [
        each["execution_id"] for each in state["executions"]
    ]
    assert sum(report["last_quantity"] for report in reports) == 100
    assert world.open_work() == []


def test_a_repeated_order_is_one_order_and_an_id_cannot_have_other_terms(
    world: World,
) -> None:
    assert world.submit().body == world.submit(correlation_id="other").body
    assert len(world.invocations) == 1
    other = world.submit(quantity=101)
    assert (other.status, other.body["code"]) == (409, "ORDER_ID_REUSED")
    world.match()
    again = world.submit()
    assert (again.status, again.body) == (202, world.status().body)


def test_an_order_matched_twice_is_filled_once(world: World) -> None:
    world.submit()
    world.match()
    reported = list(world.owner.received)
    worked = world.matching.handler(
        {"kind": "order", "exchange_id": "XNYS", "client_order_id": "ord_1-1"}, FakeContext()
    )
    assert worked["fills"] == 0
    assert world.owner.received == reported


def test_a_match_or_cancel_decided_on_a_stale_order_is_not_written(world: World) -> None:
    world.submit()
    store = ExchangeStore(Table(world.exchange_table.meta.client, "exchange-books"))
    stale = store.load("XNYS", "ord_1-1")
    assert isinstance(stale, OrderRecord)
    outcome = look_at_a_good_market(stale)
    dispatches = schedule(outcome, ExchangeBehaviour(), Dice("7"), world.now)
    world.match()
    filled = world.status().body
    with pytest.raises(ConflictError):
        store.commit(stale.booked, outcome, dispatches, minute_of(world.now), displayed=1_000_000)
    with pytest.raises(ConflictError):
        store.replace(stale.booked, cancel(stale.booked))
    assert world.status().body == filled


def test_a_match_of_liquidity_that_another_took_is_not_written(world: World) -> None:
    world.submit()
    store = ExchangeStore(Table(world.exchange_table.meta.client, "exchange-books"))
    record = store.load("XNYS", "ord_1-1")
    assert isinstance(record, OrderRecord)
    outcome = look_at_a_good_market(record)
    dispatches = schedule(outcome, ExchangeBehaviour(), Dice("7"), world.now)
    world.submit(client_order_id="ord_2-1", quantity=30)
    world.matching.handler(
        {"kind": "order", "exchange_id": "XNYS", "client_order_id": "ord_2-1"}, FakeContext()
    )
    with pytest.raises(ConflictError):
        store.commit(record.booked, outcome, dispatches, minute_of(world.now), displayed=129)
    assert world.status().body["status"] == "NEW"
    store.commit(record.booked, outcome, dispatches, minute_of(world.now), displayed=130)
    assert world.status().body["status"] == "FILLED"


def look_at_a_good_market(record: OrderRecord) -> MatchOutcome:
    """A market that fills all of the order."""
    quote = VenueQuote(
        exchange_id="XNYS", bid=Decimal("230.00"), bid_size=100, ask=Decimal("231.00"), ask_size=100
    )
    outcome = match(
        record.booked,
        quote,
        ExchangeBehaviour(reject_rate=Decimal(0), partial_rate=Decimal(0)),
        Dice("7"),
        START,
    )
    assert outcome is not None
    assert outcome.taken == 100
    return outcome


def test_a_large_order_takes_displayed_liquidity_as_it_is_replenished(
    world: World,
) -> None:
    world.configure("XNYS", displayed_size=100)
    displayed = world.quote()["XNYS"]["ask_size"]
    assert 0 < displayed < 300
    world.submit(quantity=300)
    world.submit(client_order_id="ord_2-1", quantity=300)
    world.match()
    assert world.status().body["cumulative_quantity"] == displayed
    assert world.status("ord_2-1").body["cumulative_quantity"] == 0
    assert world.quote()["XNYS"]["ask_size"] == 0
    for _ in range(20):
        world.tick()
    assert {world.status(each).body["status"] for each in ("ord_1-1", "ord_2-1")} == {"FILLED"}
    assert sum(report["last_quantity"] for report in world.owner.reports) == 600
    assert world.open_work() == []


def test_the_undisplayed_rest_of_an_immediate_order_is_canceled(
    world: World,
) -> None:
    world.configure("XNYS", displayed_size=100)
    world.submit(quantity=300, time_in_force="IOC")
    world.submit(client_order_id="ord_2-1", quantity=300, time_in_force="FOK")
    world.match()
    ioc, fok = world.status().body, world.status("ord_2-1").body
    assert (ioc["status"], ioc["leaves_quantity"]) == ("CANCELED", 0)
    assert 0 < ioc["cumulative_quantity"] < 300
    assert (fok["status"], fok["cumulative_quantity"]) == ("CANCELED", 0)
    assert [report["exec_type"] for report in world.owner.reports].count("CANCELED") == 2


def test_a_sell_fills_at_the_bid_or_better_than_its_limit(world: World) -> None:
    bid = world.quote()["XNYS"]["bid"]
    world.submit(side="sell", limit_price="200.00")
    world.match()
    assert {execution["price"] for execution in world.status().body["executions"]} == {bid}


def test_a_stop_order_is_elected_by_the_exchanges_last_price(world: World) -> None:
    quote = world.quote()["XNYS"]
    last = (Decimal(quote["bid"]) + Decimal(quote["ask"])) / 2
    above, below = str(last.quantize(Decimal("0.01")) + 5), str(last.quantize(Decimal("0.01")) - 1)
    world.submit(client_order_id="ord_1-1", stop_price=above, limit_price="300.00")
    world.submit(client_order_id="ord_2-1", stop_price=below, limit_price="300.00")
    world.match()
    assert (world.status("ord_1-1").body["status"], world.status("ord_1-1").body["executions"]) == (
        "NEW",
        [],
    )
    assert world.status("ord_2-1").body["status"] == "FILLED"
    assert world.cancel("ord_1-1").body["status"] == "CANCELED"
    answer = world.submit(
        client_order_id="ord_3-1", stop_price=above, limit_price="300.00", time_in_force="FOK"
    )
    assert (answer.status, answer.body["code"]) == (422, "BAD_TIME_IN_FORCE")


def test_a_cancel_ends_a_resting_order_without_a_callback(world: World) -> None:
    world.submit(limit_price="200.00")
    world.match()
    answer = world.cancel()
    assert (answer.status, answer.body["status"], answer.body["leaves_quantity"]) == (
        200,
        "CANCELED",
        0,
    )
    assert world.cancel().body == answer.body
    world.tick()
    assert world.owner.received == []
    assert world.open_work() == []


def test_a_cancel_wins_before_matching_and_loses_after_it(world: World) -> None:
    world.submit()
    world.cancel()
    world.match()
    assert world.status().body["status"] == "CANCELED"
    world.submit(client_order_id="ord_2-1")
    world.match()
    late = world.cancel("ord_2-1").body
    assert (late["status"], sum(each["quantity"] for each in late["executions"])) == ("FILLED", 100)


def test_a_cancel_is_a_fence_for_an_order_that_has_not_arrived(world: World) -> None:
    answer = world.cancel()
    assert (answer.status, answer.body["status"], answer.body["cumulative_quantity"]) == (
        200,
        "CANCELED",
        0,
    )
    refused = world.submit()
    assert (refused.status, refused.body["code"]) == (422, "CANCELED_BEFORE_ARRIVAL")
    assert world.status().body == answer.body
    assert world.invocations == []


def test_the_session_repairs_a_lost_invocation(world: World) -> None:
    world.lambda_is_broken = True
    assert world.submit().status == 202
    world.tick()
    assert world.status().body["status"] == "FILLED"


def test_a_tick_without_time_leaves_the_work_for_the_next(world: World) -> None:
    world.submit()
    world.tick(remaining_ms=1000)
    assert world.status().body["status"] == "NEW"
    world.tick()
    assert world.status().body["status"] == "FILLED"


def test_a_failure_on_one_order_does_not_stop_the_session(world: World) -> None:
    world.submit(client_order_id="ord_0-1")
    world.submit()
    key = {"pk": "ORDER#XNYS#ord_0-1", "sk": "ORDER"}
    world.exchange_table.update_item(
        Key=key,
        UpdateExpression="SET cumulative_quantity = :bad",
        ExpressionAttributeValues={":bad": "broken"},
    )
    assert world.tick()["failed"] == 1
    assert world.status().body["status"] == "FILLED"


def test_quotes_show_the_remaining_liquidity_of_each_exchange(world: World) -> None:
    before = world.quote()
    assert set(before) == {"XNYS", "XNAS", "ARCX", "BATS"}
    world.submit()
    world.match()
    after = world.quote()
    assert after["XNYS"]["ask_size"] == before["XNYS"]["ask_size"] - 100
    assert after["XNAS"] == before["XNAS"]


def test_a_resting_order_does_not_execute_after_hours(world: World) -> None:
    world.submit(symbol="F", limit_price="20.00", time_in_force="GTC")
    assert world.tick(10 * 3600)["fills"] == 0, "Monday 20:00 in New York"
    assert world.status().body["status"] == "NEW"
    world.tick(14 * 3600)
    assert world.status().body["status"] == "FILLED", "Tuesday 10:00"
