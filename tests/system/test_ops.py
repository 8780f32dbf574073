"""The operator's command line against the deployed system: poison messages are found, sent back and
deleted.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.aws_client import aws_client
from tests.system.waiting import let_the_queues_clock_tick, wait_for
from workstation.local_system import STAGE, LocalSystem


def poison(system: LocalSystem, *order_ids: str) -> None:
    """Puts messages about orders that do not exist into the mailboxes."""
    sqs = aws_client(system, "sqs")
    url = sqs.get_queue_url(QueueName=f"trading-{STAGE}-execution.fifo")["QueueUrl"]
    for order_id in order_ids:
        body = {
            "kind": "poll",
            "client_id": "carol",
            "correlation_id": "poison",
            "order_id": order_id,
        }
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageGroupId="carol")


def shown(ops: Callable[..., Any], expected: list[str]) -> list[dict[str, Any]]:
    """Waits until the DLQ holds messages about exactly these orders, in this order, and returns
    them.
    """

    def look() -> list[dict[str, Any]] | None:
        letters: list[dict[str, Any]] = ops("dlq", "show", "execution")
        return letters if [letter["order_id"] for letter in letters] == expected else None

    return wait_for(look, f"the dead-letter queue to hold {expected}")


@pytest.mark.timeout(600)
def test_poison_is_found_sent_back_and_thrown_away(
    system: LocalSystem, ops: Callable[..., Any]
) -> None:
    poison(system, "ord_a", "ord_b", "ord_c")
    letters = shown(ops, ["ord_a", "ord_b", "ord_c"])
    assert {letter["reason"].partition(":")[0] for letter in letters} == {"NotFoundError"}
    assert [letter["group"] for letter in letters] == ["carol"] * 3
    assert shown(ops, ["ord_a", "ord_b", "ord_c"]), "looking took nothing"

    first = letters[0]["message_id"]
    assert (
        ops("dlq", "redrive", "execution", "--message", first, "--reason", "a try")["redriven"] == 1
    )
    shown(ops, ["ord_b", "ord_c", "ord_a"])
    let_the_queues_clock_tick()
    assert ops("dlq", "redrive", "execution", "--all", "--reason", "all again")["redriven"] == 3
    shown(ops, ["ord_b", "ord_c", "ord_a"])
    let_the_queues_clock_tick()
    assert ops("dlq", "discard", "execution", "--all", "--reason", "poison") == {
        "discarded": 3,
        "left": 0,
    }
    assert ops("dlq", "show", "execution") == []

    actions = [entry["action"] for entry in ops("audit", "--subject", f"execution/{first}")]
    assert actions == ["redriven", "redrive"]
    by_hand = [entry for entry in ops("audit") if entry["subject"].startswith("execution/")]
    assert {entry["who"].partition(" ")[0] for entry in by_hand} == {"local"}


def test_the_deployed_system_is_seen_whole(ops: Callable[..., Any]) -> None:
    assert {row["exchange_id"] for row in ops("circuits")} == {"XNYS", "XNAS", "ARCX", "BATS"}
    assert ops("orders", "stuck")["complete"] is True
    assert ops("reconciliation", "run", "--reason", "a test")["complete"] is True
    assert "pushed" in ops("sweep", "--reason", "a test")


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("prompt_exchanges")
def test_a_synthetic_client_trades_and_finds_its_books_right(ops: Callable[..., Any]) -> None:
    for traded in ("buy a share", "sell a share"):
        done = ops("smoke")
        assert done["passed"], done
        assert [step["step"] for step in done["steps"]][2:] == [
            traded,
            "check the books",
            "rest an order",
            "cancel it",
            "check the books",
        ]
    refused = ops("smoke", "--symbol", "NOPE")
    assert (refused["passed"], "UNKNOWN_SYMBOL" in refused["failure"]) == (False, True)
