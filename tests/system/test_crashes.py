"""Workers, or the whole local AWS, die while orders are under way.

Nothing is lost and nothing is booked twice. A worker dies at a crash point: after a write and
before the next step, where a crash leaves the most to repair.
"""

from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local import books, day, server
from local.api import TradingClient
from local.aws_client import aws_client
from local.crash_points import CrashPoint, Moment
from tests.system.crashes import crashes
from tests.system.waiting import wait_for
from trading.domain.reconciliation.checks import check
from trading.domain.reference import calendars
from workstation.local_system import STAGE, LocalSystem

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("prompt_exchanges"),
]

AFTER, TRANSACTION = Moment.AFTER, "TransactWriteItems"
ENDED = {"CLEARED", "SETTLED"}

Clients = dict[str, TradingClient]


def order(client_id: str, symbol: str, side: str, quantity: int) -> dict[str, Any]:
    """A market order."""
    return {
        "client_id": client_id,
        "stock_symbol": symbol,
        "quantity": quantity,
        "order_type": "market",
        "side": side,
        "time_in_force": "DAY",
    }


ORDERS = (
    order("alice", "NVDA", "buy", 3),
    order("bob", "AMD", "buy", 3),
    order("alice", "AAPL", "sell", 2),
    order("bob", "TSLA", "buy", 2),
    order("carol", "KO", "buy", 1),
    order("alice", "JPM", "buy", 2),
)


def place_all(clients: Clients) -> dict[str, str]:
    """Place the orders, and return client ids by order id. A client that gets no answer repeats its
    request.
    """
    placed = {}
    for body in ORDERS:
        key, client_id = str(uuid4()), body["client_id"]
        answer = wait_for(partial(accepted, clients[client_id], body, key), "an answer to an order")
        placed[answer.json()["order_id"]] = client_id
    return placed


def accepted(client: TradingClient, body: dict[str, Any], key: str) -> httpx.Response | None:
    """The answer if the order was accepted; None if the function died over it."""
    answer = client.place(body, key)
    if answer.status_code >= 500:
        return None
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "VALIDATED"
    return answer


def wait_until_traded(clients: Clients, placed: dict[str, str]) -> None:
    """Wait until every order is filled and cleared."""

    def all_cleared() -> bool | None:
        shown = [clients[client_id].order(order_id) for order_id, client_id in placed.items()]
        answers = [answer.json() for answer in shown if answer.status_code == 200]
        done = [
            a
            for a in answers
            if a["current_status"] in ENDED and a["filled_quantity"] == a["quantity"]
        ]
        return True if len(done) == len(placed) else None

    wait_for(all_cleared, "orders to be cleared")


def assert_books_are_right(system: LocalSystem) -> None:
    """Assert that all invariants hold. Orders may still rest."""
    findings = check(books.snapshot(system, day_is_over=False))
    assert not findings, "\n".join(f"{f.invariant} {f.subject}: {f.message}" for f in findings)


@pytest.mark.parametrize(
    "points",
    [
        # The order is stored. Its workflow is not started, and the client has no answer. The report
        # is in the mailbox. The exchange has no acknowledgement. The match is stored. No report of
        # it has been sent.
        (
            CrashPoint("orders", AFTER, TRANSACTION),
            CrashPoint("callbacks", AFTER, "SendMessage"),
            CrashPoint("exchange-matching", AFTER, TRANSACTION),
        ),
        # The route is stored. Nothing has been sent to an exchange. The exchange has accepted the
        # order. The broker has no answer.
        (
            CrashPoint("execution", AFTER, "PutItem"),
            CrashPoint("exchange-api", AFTER, TRANSACTION),
        ),
        # The fill is booked and the order is cleared. The mailbox still holds the messages.
        (
            CrashPoint("execution", AFTER, TRANSACTION),
            CrashPoint("clearing", AFTER, TRANSACTION),
        ),
    ],
    ids=["accept and report", "route and submit", "book and clear"],
)
def test_workers_that_die_between_a_write_and_the_next_step_lose_nothing(
    system: LocalSystem, clients: Clients, points: tuple[CrashPoint, ...]
) -> None:
    with crashes(system, *points):
        placed = place_all(clients)
        wait_until_traded(clients, placed)
    assert_books_are_right(system)


def test_restarting_the_local_aws_between_accept_and_fill_loses_nothing(
    system: LocalSystem, clients: Clients
) -> None:
    functions = aws_client(system, "lambda")
    mappings = functions.list_event_source_mappings(FunctionName=f"trading-{STAGE}-execution")[
        "EventSourceMappings"
    ]
    for mapping in mappings:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    placed = place_all(clients)
    server.stop(system)
    server.start(system, keep_state=True)
    for order_id, client_id in placed.items():
        assert clients[client_id].order(order_id).json()["current_status"] == "VALIDATED"
    for mapping in mappings:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    wait_until_traded(clients, placed)
    assert_books_are_right(system)


def test_workers_that_die_while_they_settle_settle_everything_once(
    system: LocalSystem, clients: Clients
) -> None:
    placed = place_all(clients)
    wait_until_traded(clients, placed)
    with crashes(
        system,
        CrashPoint("settlement", AFTER, TRANSACTION),
        CrashPoint("depository-api", AFTER, TRANSACTION),
    ):
        day.settle(system, calendars.settlement_date(day.business_date(), 1), lambda: None)
    for order_id, client_id in placed.items():
        assert clients[client_id].order(order_id).json()["current_status"] == "SETTLED"
    assert_books_are_right(system)
