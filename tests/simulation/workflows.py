"""The deployed workflow definitions, with their placeholders filled in."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WORKFLOWS = Path(__file__).resolve().parents[2] / "infra" / "workflows"


def definition(name: str, queues: Mapping[str, str], orders_table: str) -> dict[str, Any]:
    """A workflow's definition for these queues and this table. Functions go by their names."""
    places = {f"{queue.capitalize()}QueueUrl": url for queue, url in queues.items()} | {
        "OrdersTable": orders_table,
        "PlanFunctionArn": "settlement_plan",
        "ReconcileFunctionArn": "settlement_reconcile",
    }
    text = text_of(name)
    for place, value in places.items():
        text = text.replace(f"${{{place}}}", value)
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def text_of(name: str) -> str:
    """The text of the file with a workflow's definition."""
    return (WORKFLOWS / f"{name}.asl.json").read_text()
