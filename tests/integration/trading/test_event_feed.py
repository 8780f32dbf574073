"""GET /api/v1/events, over all that brings events there: transactions, streams, bus and log."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.api_events import principal, request
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.books import NAMES, put
from tests.integration.trading.orders import place
from tests.integration.trading.streams import Streams
from trading.adapters.dynamodb.event_log import KEPT_FOR
from trading.adapters.dynamodb.outbox import event_in
from trading.adapters.dynamodb.registry import TableRegistry
from trading.domain.accounts import transfers
from trading.domain.accounts.position import Position
from trading.domain.events import Event
from trading.domain.ledger import Break, BreakCode
from trading.metrics import Metric

OPENING = 1
"""The sequence of the deposit with which a demo client begins."""


@pytest.fixture
def streams(system: System) -> Streams:
    return Streams(system)


def ask(
    system: System,
    client_id: str = "alice",
    permissions: str = "accounts:read orders:read",
    **query: object,
) -> tuple[int, dict[str, Any]]:
    """Status and body of a GET."""
    event = request("GET", "/api/v1/events", authorizer=principal(client_id, permissions))
    texts = {name: str(value) for name, value in query.items()}
    event["queryStringParameters"] = texts or None
    event["multiValueQueryStringParameters"] = {n: [text] for n, text in texts.items()} or None
    status, body, _ = system.call("event_feed", event)
    return status, body


def show(system: System, client_id: str = "alice", **query: object) -> dict[str, Any]:
    status, body = ask(system, client_id, **query)
    assert status == 200, body
    return body


def types(page: dict[str, Any]) -> list[str]:
    return [event["type"] for event in page["items"]]


def sequences(page: dict[str, Any]) -> list[int]:
    return [event["sequence"] for event in page["items"]]


def deposit(system: System, reference: str, amount: str = "5.00", client_id: str = "alice") -> None:
    account = system.books.account(client_id)
    system.books.commit(*transfers.deposit_cash(account, Decimal(amount), reference, system.now()))


def settled(system: System, order_id: str) -> None:
    """Execute, clear and settle an order."""
    system.run_until(lambda: system.status(order_id) == "CLEARED")
    system.venues.pass_time(24 * 3600)
    order = system.books.order(order_id)
    assert order is not None
    fill = system.books.fill(order.trades[0])
    assert fill is not None
    message = {
        "kind": "settle",
        "client_id": order.client_id,
        "correlation_id": "cycle",
        "settlement_date": fill.settlement_date.isoformat(),
    }
    system.send("settlement", order.client_id, json.dumps(message))
    system.run_until(lambda: system.status(order_id) == "SETTLED")


def test_an_order_is_followed_from_its_acceptance_to_its_settlement(
    system: System, streams: Streams
) -> None:
    since = show(system)["since"]
    assert since == OPENING
    placed = place(system)
    settled(system, placed["order_id"])
    streams.flow()
    page = show(system, since=since)
    trades = len(system.books.order(placed["order_id"]).trades)  # type: ignore[union-attr]
    assert types(page) == [
        "order.accepted",
        *["order.executed"] * trades,
        *["trade.settled"] * trades,
    ]
    assert sequences(page) == list(range(since + 1, since + 1 + len(page["items"])))
    assert (page["since"], page["is_delayed"]) == (sequences(page)[-1], False)
    assert page["since"] == system.books.account("alice").version
    balance = page["items"][-1]["data"]["balance"]
    assert Decimal(balance["available"]) == system.books.account("alice").available
    for event in page["items"]:
        Event.model_validate(event, strict=False)
        assert event["correlation_id"] == page["items"][0]["correlation_id"]


def test_the_bus_has_events_of_orders_that_the_account_does_not_have(
    system: System, streams: Streams
) -> None:
    """Clearing moves nothing of the account. It is an event of the order."""
    order_id = place(system)["order_id"]
    system.run_until(lambda: system.status(order_id) == "CLEARED")
    told = [
        event_in(record["dynamodb"]["NewImage"])
        for record in streams.publish()
        if "event" in record["dynamodb"].get("NewImage", {})
    ]
    assert [str(each.aggregate.kind) for each in told if each.type == "trade.cleared"] == ["order"]
    assert system.log_events() == []
    assert "trade.cleared" not in types(show(system, since=OPENING))


def test_deposit_rejection_and_cancel_are_events(system: System, streams: Streams) -> None:
    deposit(system, "a")
    place(system, "key-2", quantity=100_000)
    streams.flow()
    page = show(system, since=OPENING)
    assert types(page) == ["deposit.booked", "order.rejected"]
    [entry] = page["items"][0]["data"]["entries"]
    assert (entry["kind"], entry["amount"], entry["reference"]) == ("DEPOSIT", "5.00", "a")
    assert page["items"][1]["topics"] == ["orders", "balance", "trade-submitted"]


def test_the_registry_tells_of_limits_and_transfers(system: System, streams: Streams) -> None:
    registry = TableRegistry(system.dynamodb, NAMES, f"{PREFIX}credentials", system.books)
    client = registry.profile("alice")
    assert client is not None
    account = registry.account("alice").with_credit_limit(Decimal("50.00"))
    position = registry.position("alice", "AAPL")
    position, entry = transfers.deposit_shares(position, 3, Decimal("9.00"), "shares", system.now())
    registry.commit(account, client)
    registry.commit(registry.account("alice"), position, entry)
    streams.flow()
    page = show(system, since=OPENING)
    assert types(page) == ["client.changed", "deposit.booked"]
    assert page["items"][0]["data"]["client"]["version"] == client.version + 1
    [shares] = page["items"][1]["data"]["positions"]
    assert (shares["symbol"], shares["available"]) == ("AAPL", position.available)


def test_pages_follow_each_other(system: System, streams: Streams) -> None:
    for number in range(5):
        deposit(system, f"d{number}")
    streams.flow()
    since, seen = OPENING, []
    for _ in range(3):
        page = show(system, since=since, limit=2)
        seen += sequences(page)
        since = page["since"]
    assert seen == [2, 3, 4, 5, 6]
    assert show(system, since=since) == {"items": [], "since": 6, "is_delayed": False}


def test_a_topic_leaves_out_others_and_goes_on_behind_them(
    system: System, streams: Streams
) -> None:
    deposit(system, "a")
    place(system)
    deposit(system, "b")
    streams.flow()
    page = show(system, since=OPENING, topic="orders")
    assert types(page) == ["order.accepted"]
    assert page["since"] == 4
    assert types(show(system, since=OPENING, topic="balance")) == [
        "deposit.booked",
        "order.accepted",
        "deposit.booked",
    ]


def test_another_client_sees_nothing_of_it(system: System, streams: Streams) -> None:
    deposit(system, "a")
    streams.flow()
    assert sequences(show(system, since=OPENING)) == [2]
    assert show(system, "bob", since=OPENING) == {"items": [], "since": 1, "is_delayed": False}
    assert show(system, "bob")["since"] == system.books.account("bob").version


def test_a_token_without_the_permission_is_refused(system: System) -> None:
    status, body = ask(system, permissions="orders:read", since=0)
    assert (status, body["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": -1}, "since"),
        ({"since": "abc"}, "since"),
        ({"since": "1.5"}, "since"),
        ({"since": 10**12}, "since"),
        ({"since": ""}, "since"),
        ({"since": 0, "limit": 0}, "limit"),
        ({"since": 0, "limit": 101}, "limit"),
        ({"since": 0, "wait": 21}, "wait"),
        ({"since": 0, "wait": -1}, "wait"),
        ({"since": 0, "topic": "weather"}, "topic"),
        ({"since": 0, "topic": "ORDERS"}, "topic"),
        ({"since": 0, "account": "bob"}, "account"),
        ({"sinse": 0}, "sinse"),
    ],
)
def test_bad_input_is_refused_with_its_field(
    system: System, query: dict[str, object], field: str
) -> None:
    status, body = ask(system, **query)
    assert status in (400, 422), body
    assert field in json.dumps(body)


def test_a_sequence_that_the_account_never_had_is_gone(system: System) -> None:
    """It was had before the books were restored."""
    status, body = ask(system, since=10**12 - 1)
    assert (status, body["code"], body["errors"][0]["field"]) == (410, "EVENTS_EXPIRED", "since")


def test_a_key_that_may_not_see_orders_sees_the_rest_of_an_event(
    system: System, streams: Streams
) -> None:
    place(system)
    streams.flow()
    _, body = ask(system, permissions="accounts:read", since=OPENING)
    [event] = body["items"]
    assert event["topics"] == ["balance", "trade-submitted", "trade-validated"]
    assert event["data"]["orders"] == []
    assert event["data"]["balance"]["held_for_orders"] != "0.00"


def test_a_later_event_waits_for_the_one_before_it(system: System, streams: Streams) -> None:
    for reference in ("a", "b", "c"):
        deposit(system, reference)
    records = [each for each in streams.take() if each["dynamodb"]["Keys"].get("item")]
    late, others = records[1], [records[2], records[0]]
    system.invoke("event_publisher", {"Records": others})
    assert system.log_events() == []
    page = show(system, since=OPENING)
    assert (sequences(page), page["is_delayed"]) == ([2], True)
    system.invoke("event_publisher", {"Records": [late]})
    assert system.log_events() == []
    page = show(system, since=2)
    assert (sequences(page), page["is_delayed"]) == ([3, 4], False)


def test_what_comes_again_is_shown_once(system: System, streams: Streams) -> None:
    deposit(system, "a")
    records = streams.take()
    for _ in range(2):
        system.invoke("event_publisher", {"Records": records})
    assert system.log_events() == []
    assert sequences(show(system, since=OPENING)) == [2]


def test_what_is_not_kept_any_more_is_gone(system: System, streams: Streams) -> None:
    deposit(system, "a")
    streams.flow()
    system.dynamodb.delete_item(
        TableName=f"{PREFIX}events",
        Key={"client_id": {"S": "alice"}, "sequence": {"S": f"{2:012d}"}},
    )
    system.venues.now += KEPT_FOR
    deposit(system, "b")
    streams.flow()
    system.venues.now += timedelta(minutes=3)
    status, body = ask(system, since=OPENING)
    assert (status, body["code"]) == (410, "EVENTS_EXPIRED")
    now = show(system)["since"]
    assert now == 3
    assert show(system, since=now)["items"] == []
    assert sequences(show(system, since=2)) == [3]


def test_an_expired_event_that_was_not_deleted_yet_is_not_waited_for(
    system: System, streams: Streams
) -> None:
    """DynamoDB deletes late and in any order: here the second of two."""
    for reference in ("a", "b"):
        deposit(system, reference)
    streams.flow()
    system.dynamodb.delete_item(
        TableName=f"{PREFIX}events",
        Key={"client_id": {"S": "alice"}, "sequence": {"S": f"{3:012d}"}},
    )
    system.venues.now += KEPT_FOR
    deposit(system, "c")
    streams.flow()
    system.venues.now += timedelta(minutes=3)
    status, body = ask(system, since=2)
    assert (status, body["code"]) == (410, "EVENTS_EXPIRED")


def test_an_item_of_an_earlier_release_brings_no_event_and_no_error(
    system: System, streams: Streams
) -> None:
    account = system.books.account("carol")
    attributes = account.model_dump(exclude_none=True) | {"item": "CASH"}
    put(system.dynamodb, NAMES.accounts, attributes)
    streams.flow()
    assert system.messages("EVENTS_DLQ_URL") == []
    deposit(system, "a", client_id="carol")
    streams.flow()
    assert types(show(system, "carol", since=account.version)) == ["deposit.booked"]


def test_a_record_that_nobody_can_read_goes_to_the_dead_letter_queue_alone(
    system: System, streams: Streams, capsys: pytest.CaptureFixture[str]
) -> None:
    put(system.dynamodb, NAMES.accounts, {"client_id": "zoe", "item": "CASH", "event": "{"})
    deposit(system, "a")
    streams.flow()
    [buried] = system.messages("EVENTS_DLQ_URL")
    assert json.loads(buried["Body"])["keys"]["client_id"] == {"S": "zoe"}
    assert f'"{Metric.EVENTS_BURIED}"' in capsys.readouterr().out
    assert types(show(system, since=OPENING)) == ["deposit.booked"]


def test_a_break_of_nobody_is_on_the_bus_and_in_no_log(system: System, streams: Streams) -> None:
    entry = Break(
        trade_id="brk_1",
        client_id="nobody",
        booked_at=system.now(),
        code=BreakCode.UNKNOWN_ORDER,
        reason="no such order",
        evidence={"symbol": "AAPL"},
    )
    system.books.commit(entry)
    streams.flow()
    assert system.messages("EVENTS_DLQ_URL") == []
    assert show(system, "nobody", since=0)["items"] == []


def test_positions_without_an_account_are_told_to_nobody(system: System, streams: Streams) -> None:
    """The demo's opening is written like that. No use case does it."""
    position = Position(client_id="alice", symbol="ZZZ")
    system.books.commit(*transfers.deposit_shares(position, 1, Decimal("1.00"), "z", system.now()))
    streams.flow()
    assert system.messages("EVENTS_DLQ_URL") == []
    assert show(system)["since"] == OPENING
