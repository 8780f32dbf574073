"""The time from a booking to the socket of a connected client on the local AWS, compared with the
same hops with functions that only pass a message on.
"""

import json
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from websockets.sync.client import ClientConnection, connect

from local import deploy, run, seed, server, warm_up
from local.api import TradingClient
from local.aws_client import aws_client
from tests.benchmarks.latency import PORT, Latency
from tests.benchmarks.stream_floor import stream_floor
from trading.adapters.dynamodb.names import TableNames
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.runtime import clock
from trading.domain.accounts import transfers
from workstation.local_system import LocalSystem

BOOKINGS, WARM_UP = 100, 10
PAUSE_SECONDS = 0.3
PATIENCE_SECONDS = 60
CENT = Decimal("0.01")


class Results(NamedTuple):
    """Latencies from the end of the write to the message."""

    stream: Latency
    floor: Latency


def measure(progress: Callable[[str], None]) -> Results:
    """Measure bookings and the floor, in turn. This starts, deploys and stops a system of its
    own.
    """
    with tempfile.TemporaryDirectory() as directory:
        system = LocalSystem(Path(directory), PORT)
        progress("starting a local AWS")
        server.start(system, keep_state=False)
        try:
            deploy.deploy(system, progress)
            seed.seed(system)
            warm_up.warm_up(system)
            with stream_floor(system) as table:
                progress(f"{BOOKINGS} bookings")
                return _measure(system, table)
        finally:
            server.stop(system)


def _measure(system: LocalSystem, floor_table: str) -> Results:
    dynamodb = aws_client(system, "dynamodb")
    outputs = deploy.outputs(system)
    names = ("accounts", "clients", "ledger", "orders", "reference")
    tables = TableNames(**{name: outputs[f"{name.capitalize()}Table"] for name in names})
    books = TableBooks(dynamodb, tables, clock.now)
    with TradingClient(run.api_url(system), seed.credentials(system)["alice"]) as client:
        client.log_in(str(uuid4()))
        headers = {"Authorization": f"Bearer {client.token(False)}"}
    with connect(seed.stream_address(system), additional_headers=headers) as socket:
        socket.send(json.dumps({"action": "subscribe"}))
        _receive(socket)
        # Only the item of the connections has its id.
        item = dynamodb.get_item(
            TableName=outputs["ConnectionsTable"], Key={"client_id": {"S": "alice"}}
        )["Item"]
        connection = item["open"]["L"][-1]["M"]["connection_id"]["S"]

        def book(number: int) -> None:
            account = books.account("alice")
            books.commit(
                *transfers.deposit_cash(account, CENT, f"bench-{uuid4()}-{number}", clock.now())
            )

        def pass_on(number: int) -> None:
            dynamodb.put_item(
                TableName=floor_table,
                Item={"id": {"S": str(number)}, "connection": {"S": connection}},
            )

        found: dict[str, list[float]] = {"stream": [], "floor": []}
        for number in range(WARM_UP + BOOKINGS):
            for name, write in (("stream", book), ("floor", pass_on)):
                took = _seconds(socket, write, number)
                if number >= WARM_UP:
                    found[name].append(took)
    return Results(Latency.of(found["stream"]), Latency.of(found["floor"]))


def _seconds(socket: ClientConnection, write: Callable[[int], None], number: int) -> float:
    time.sleep(PAUSE_SECONDS)
    write(number)
    began = time.perf_counter()
    _receive(socket)
    return time.perf_counter() - began


def _receive(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=PATIENCE_SECONDS))
