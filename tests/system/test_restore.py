"""A rehearsal: the tables are lost, restored from a backup, reconciled, and traded on."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from local.api import TradingClient
from local.aws_client import aws_client
from ops.writers import kept_tables
from tests.system.waiting import let_the_queues_clock_tick, wait_for
from workstation.local_system import STAGE, LocalSystem

ORDER = {
    "client_id": "alice",
    "stock_symbol": "KO",
    "quantity": 3,
    "order_type": "market",
    "side": "buy",
    "time_in_force": "DAY",
}


def traded(client: TradingClient) -> dict[str, Any]:
    """An order that is filled and cleared."""
    placed = client.place(ORDER, str(uuid4()))
    assert placed.status_code == 201, placed.text

    def look() -> dict[str, Any] | None:
        shown: dict[str, Any] = client.order(placed.json()["order_id"]).json()
        return shown if shown.get("current_status") == "CLEARED" else None

    return wait_for(look, "the order to be cleared")


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("prompt_exchanges")
def test_lost_tables_are_restored_reconciled_and_traded_on(
    system: LocalSystem, ops: Callable[..., Any], alice: TradingClient
) -> None:
    why = ("--reason", "a rehearsal")
    order = traded(alice)
    balance = alice.balance().json()
    ops("writers", "stop", *why)
    try:
        refused = alice.place(ORDER, str(uuid4()))
        # The local AWS answers 429 for a function that is stopped, and AWS a 5XX.
        assert refused.status_code >= 429, "nobody writes while the tables are replaced"
        let_the_queues_clock_tick()
        backup = ops("backups", "take", *why)["backup"]
        dynamodb = aws_client(system, "dynamodb")
        for name in kept_tables():
            dynamodb.delete_table(TableName=f"trading-{STAGE}-{name}")
        report = ops("restore", "--backup", backup, *why)
    finally:
        ops("writers", "start", *why)
    assert report["complete"] is True
    assert not any(report["broken"].values()), report
    assert report["items"]["ledger"] > 0
    assert alice.order(order["order_id"]).json() == order
    assert alice.balance().json() == balance
    after = traded(alice)
    assert after["order_id"] != order["order_id"]
    report = ops("reconciliation", "run", *why)
    assert not any(report["broken"].values()), report
    done = {entry["action"] for entry in ops("audit", "--subject", "run/restore")}
    assert "restored" in done
