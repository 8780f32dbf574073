"""Reading all of the books page by page, for the reconciliation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from pydantic import ValidationError

from trading.adapters.dynamodb.entities import LOADERS, load_entry
from trading.adapters.dynamodb.transactions import from_item
from trading.domain.reconciliation.findings import Finding
from trading.domain.reconciliation.snapshot import Entity
from trading.usecases.posttrade.reconcile_books import Page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Nobody waits for the reconciliation. A table that is busy with orders may make it wait.
CLIENT_CONFIG = Config(
    connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5}
)
KEYS = {
    "accounts": ("client_id", "item"),
    "orders": ("order_id", "item"),
    "ledger": ("trade_id", "kind"),
}
WITNESSED = {"CASH": 1, "POSITION": 2, "OBLIGATION": 9, "ORDER": 10}
"""The invariant that cannot be checked if such an item is unreadable.
For a ledger entry it is the first.
"""
TASK_TOKEN = "TOKEN"  # noqa: S105


class TableReader:
    """The port `BooksReader`.

    It reads one page after another. A parallel scan would be faster, but would slow down trading.
    """

    def __init__(self, client: DynamoDBClient, *, accounts: str, orders: str, ledger: str) -> None:
        self._client = client
        self._tables = {"accounts": accounts, "orders": orders, "ledger": ledger}

    def pages(self, *, consistent: bool) -> Iterator[Page]:
        """The pages of a scan, one megabyte each.

        4 KB cost half a read unit, or a whole one if the scan is consistent.
        """
        for table, name in self._tables.items():
            pages = self._client.get_paginator("scan").paginate(
                TableName=name, ConsistentRead=consistent, ReturnConsumedCapacity="TOTAL"
            )
            for page in pages:
                entities = [_entity(table, from_item(item)) for item in page["Items"]]
                yield Page(
                    table=table,
                    items=len(entities),
                    entities=[entity for entity in entities if entity is not None],
                    read_units=Decimal(
                        str(page.get("ConsumedCapacity", {}).get("CapacityUnits", 0))
                    ),
                )


def _entity(table: str, item: Mapping[str, Any]) -> Entity | Finding | None:
    """The entity of an item. None for a task token, a finding for an item that is unreadable."""
    kind = str(item[KEYS[table][1]]).partition("#")[0]
    if kind == TASK_TOKEN:
        return None
    try:
        return load_entry(item) if table == "ledger" else LOADERS[kind](item)
    except KeyError:
        problem = "no kind of item that is known"
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        problem = f"unreadable: {'.'.join(map(str, first['loc']))} {first['msg']}"
    subject = "/".join(str(item[attribute]) for attribute in KEYS[table])
    return Finding(invariant=WITNESSED.get(kind, 1), subject=subject, message=problem)
