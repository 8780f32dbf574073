"""A rehearsal: the tables are lost, restored from a backup, reconciled, and traded on."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from local.api import TradingClient
from local.aws_client import aws_client
from ops.writers import kept_tables
from tests.system.test_events import (
    ORDER,
    PATH,
    check_told,
    followed_until_executed,
    standing,
)
from tests.system.waiting import let_the_queues_clock_tick, wait_for
from workstation.local_system import STAGE, LocalSystem


def traded(client: TradingClient) -> dict[str, Any]:
    """An order that is filled and cleared."""
    placed = client.place(ORDER, str(uuid4()))
    assert placed.status_code == 201, placed.text

    def look() -> dict[str, Any] | None:
        shown: dict[str, Any] = client.order(placed.json()["order_id"]).json()
        return shown if shown.get("current_status") == "CLEARED" else None

    return wait_for(look, "the order to be cleared")


def on_its_way(system: LocalSystem, event: dict[str, Any]) -> None:
    """Put an event into the queue of the log, as the bus does."""
    sqs = aws_client(system, "sqs")
    url = sqs.get_queue_url(QueueName=f"trading-{STAGE}-events")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"detail": event}))


def follow_anew(client: TradingClient, undone: int) -> None:
    """An event that the restore undid is not there. New events arrive as ever."""
    for since in (undone - 1, undone):
        answer = client.get(PATH, since=str(since))
        assert (answer.status_code, answer.json().get("code")) == (410, "EVENTS_EXPIRED")
    now = standing(client)
    assert now > undone
    order_id = traded(client)["order_id"]
    check_told(client, now, order_id, followed_until_executed(client, now, order_id))
    assert client.get(PATH, since=str(undone - 1)).json()["items"] == [], "it arrived late"


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("prompt_exchanges")
def test_lost_tables_are_restored_reconciled_and_traded_on(
    system: LocalSystem, ops: Callable[..., Any], alice: TradingClient
) -> None:
    why = ("--reason", "a rehearsal")
    since = standing(alice)
    order = traded(alice)
    told = followed_until_executed(alice, since, order["order_id"])
    balance = alice.balance().json()
    ops("writers", "stop", *why)
    try:
        refused = alice.place(ORDER, str(uuid4()))
        # The local AWS answers 429 for a function that is stopped, and AWS a 5XX.
        assert refused.status_code >= 429, "nobody writes while the tables are replaced"
        let_the_queues_clock_tick()
        on_its_way(system, told[-1])
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
    follow_anew(alice, told[-1]["sequence"])
    report = ops("reconciliation", "run", *why)
    assert not any(report["broken"].values()), report
    done = {entry["action"] for entry in ops("audit", "--subject", "run/restore")}
    assert "restored" in done
