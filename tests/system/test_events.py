"""A client follows everything that happens to its account, on the deployed system."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from local.api import TradingClient
from local.crash_points import CrashPoint, Moment
from tests.system.crashes import crashes
from tests.system.waiting import wait_for
from workstation.local_system import LocalSystem

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("prompt_exchanges")]

PATH = "/api/v1/events"
ORDER = {
    "client_id": "alice",
    "stock_symbol": "KO",
    "quantity": 4,
    "order_type": "market",
    "side": "buy",
    "time_in_force": "DAY",
}


def standing(client: TradingClient) -> int:
    """The sequence of the client's last event."""
    answer = client.get(PATH).raise_for_status().json()
    assert answer["items"] == []
    return int(answer["since"])


def followed_until_executed(
    client: TradingClient, since: int, order_id: str
) -> Sequence[dict[str, Any]]:
    """All events after `since`, up to the one with which the order is filled."""
    events: list[dict[str, Any]] = []

    def look() -> bool | None:
        after = events[-1]["sequence"] if events else since
        page = client.get(PATH, since=str(after), wait="5").raise_for_status().json()
        events.extend(page["items"])
        assert page["since"] == (events[-1]["sequence"] if events else since)
        filled = [
            order
            for event in events
            for order in event["data"]["orders"]
            if order["order_id"] == order_id and order["status"] == "FILLED"
        ]
        return True if filled else None

    wait_for(look, f"the events of {order_id}")
    return events


def check_told(
    client: TradingClient, since: int, order_id: str, events: Sequence[dict[str, Any]]
) -> None:
    """Every event once, in order, and what the last one says is what the API shows."""
    sequences = [event["sequence"] for event in events]
    assert sequences == list(range(since + 1, since + 1 + len(events)))
    own = [
        (event["type"], order["status"])
        for event in events
        for order in event["data"]["orders"]
        if order["order_id"] == order_id
    ]
    assert own[0] == ("order.accepted", "VALIDATED")
    assert own[-1] == ("order.executed", "FILLED")
    traded = sum(
        entry["quantity"]
        for event in events
        for entry in event["data"]["entries"]
        if entry["kind"] == "FILL" and entry["order_id"] == order_id
    )
    assert traded == ORDER["quantity"]
    again = client.get(PATH, since=str(since)).raise_for_status().json()
    assert again["items"][: len(events)] == events


def test_a_client_follows_an_order_from_its_acceptance_to_its_fill(
    alice: TradingClient, clients: dict[str, TradingClient]
) -> None:
    since, elsewhere = standing(alice), standing(clients["bob"])
    order_id = alice.place(ORDER, str(uuid4())).raise_for_status().json()["order_id"]
    events = followed_until_executed(alice, since, order_id)
    check_told(alice, since, order_id, events)
    told, shown = events[-1]["data"]["balance"], alice.balance().json()
    assert told == {name: shown[name] for name in told if name in shown} | {"suspended": False}
    topic = alice.get(PATH, since=str(since), topic="trades").json()["items"]
    assert {event["type"] for event in topic} == {"order.executed"}
    assert clients["bob"].get(PATH, since=str(elsewhere)).json()["items"] == []


def test_events_come_once_although_their_functions_die(
    system: LocalSystem, alice: TradingClient
) -> None:
    since = standing(alice)
    with crashes(
        system,
        CrashPoint("event-publisher", Moment.AFTER, "PutEvents"),
        CrashPoint("event-log", Moment.AFTER, "BatchWriteItem"),
    ):
        order_id = alice.place(ORDER, str(uuid4())).raise_for_status().json()["order_id"]
        events = followed_until_executed(alice, since, order_id)
    check_told(alice, since, order_id, events)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "-1"}, "since"),
        ({"since": "soon"}, "since"),
        ({"since": "0", "limit": "0"}, "limit"),
        ({"since": "0", "limit": "101"}, "limit"),
        ({"since": "0", "wait": "21"}, "wait"),
        ({"since": "0", "topic": "gossip"}, "topic"),
        ({"from": "0"}, "from"),
    ],
)
def test_a_malformed_request_is_refused_with_its_field(
    alice: TradingClient, query: dict[str, str], field: str
) -> None:
    answer = alice.get(PATH, **query)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_who_is_ahead_of_the_account_is_told_to_read_it_anew(alice: TradingClient) -> None:
    answer = alice.get(PATH, since="999999")
    assert (answer.status_code, answer.json()["code"]) == (410, "EVENTS_EXPIRED")
