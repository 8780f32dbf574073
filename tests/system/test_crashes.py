"""Whatever dies while orders are on their way: nothing is lost, nothing is booked twice."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest

from local import books, day, server
from local.api import TradingClient
from local.aws_client import aws_client
from tests.system import workers
from trading.domain.reconciliation import check
from trading.domain.reference import calendars
from workstation.local_system import STAGE, LocalSystem

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the worker processes in /proc"),
]

PATIENCE_SECONDS = 420
"""A message whose worker died comes again after the visibility timeout of a minute, and that may
happen to it again.
"""
ENDED = {"CLEARED", "SETTLED"}

Clients = dict[str, TradingClient]
Found = TypeVar("Found")


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
    """Place the orders; a client that gets no answer repeats. Order id → client id."""
    placed = {}
    for body in ORDERS:
        key, client_id = str(uuid4()), body["client_id"]
        answer = wait_for(
            lambda c=client_id, b=body, k=key: accepted(clients[c], b, k), "an answer to an order"
        )
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


def wait_for(look: Callable[[], Found | None], what: str) -> Found:
    """What `look` returns once it is not None."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.5)
    return found


def wait_until_traded(clients: Clients, placed: dict[str, str]) -> None:
    """Every order is executed in full and cleared."""

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


@contextmanager
def killed_at_work(system: LocalSystem, *functions: str) -> Iterator[dict[str, int]]:
    """While the block runs, the functions' workers that are at work die, once. Yields how many
    died.
    """
    killed = dict.fromkeys(functions, 0)
    over = threading.Event()

    def reap(function: str) -> None:
        while not killed[function] and not over.wait(0.1):
            killed[function] = workers.kill_busy(system, function)

    reapers = [threading.Thread(target=reap, args=(function,)) for function in functions]
    for reaper in reapers:
        reaper.start()
    try:
        yield killed
    finally:
        over.set()
        for reaper in reapers:
            reaper.join(10)


def assert_books_are_right(system: LocalSystem) -> None:
    """All invariants; orders may still rest."""
    findings = check(books.snapshot(system, day_is_over=False))
    assert not findings, "\n".join(f"{f.invariant} {f.subject}: {f.message}" for f in findings)


@pytest.mark.parametrize(
    "functions",
    [("orders", "callbacks"), ("execution", "exchange-api"), ("exchange-matching", "clearing")],
)
def test_killing_workers_in_mid_flight_loses_nothing(
    system: LocalSystem, clients: Clients, functions: tuple[str, ...]
) -> None:
    with killed_at_work(system, *functions) as killed:
        placed = place_all(clients)
        wait_until_traded(clients, placed)
    assert all(killed.values()), killed
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


def test_killing_settlement_in_mid_flight_settles_everything_once(
    system: LocalSystem, clients: Clients
) -> None:
    placed = place_all(clients)
    wait_until_traded(clients, placed)
    with killed_at_work(system, "settlement", "depository-api") as killed:
        day.settle(system, calendars.settlement_date(day.business_date(), 1), lambda: None)
    assert all(killed.values()), killed
    for order_id, client_id in placed.items():
        assert clients[client_id].order(order_id).json()["current_status"] == "SETTLED"
    assert_books_are_right(system)
