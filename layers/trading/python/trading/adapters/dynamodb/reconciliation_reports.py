"""The reports of the reconciliation, in the control table."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from trading.adapters.dynamodb.loading import load_entity
from trading.adapters.dynamodb.transactions import Write, commit, from_item, to_item
from trading.domain.values import iso
from trading.usecases.ports import StaleError
from trading.usecases.posttrade.reconcile_books import Report

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_FOR = timedelta(days=90)
PREFIX = "RECONCILIATION#"
LATEST = f"{PREFIX}LATEST"


class TableReports:
    """The port `Reports`. Each report is kept under its time, and the newest also as the latest."""

    def __init__(self, client: DynamoDBClient, control_table: str) -> None:
        self._client = client
        self._table = control_table

    def save(self, report: Report) -> None:
        """Keep a report. Of two runs at once, the one that began later is the latest."""
        kept = report.model_dump(exclude_none=True)
        kept["expires_at"] = int((report.started_at + KEPT_FOR).timestamp())
        self._client.put_item(
            TableName=self._table,
            Item=to_item(kept | {"name": f"{PREFIX}{iso(report.started_at)}"}),
        )
        latest = Write(
            self._table,
            "attribute_not_exists(#name) OR started_at <= :started_at",
            to_item(kept | {"name": LATEST}),
            names={"#name": "name"},
            values=to_item({":started_at": iso(report.started_at)}),
        )
        with contextlib.suppress(StaleError):
            commit(self._client, [latest])


def latest(client: DynamoDBClient, control_table: str) -> Report | None:
    """The newest report. None before the first run."""
    answer = client.get_item(
        TableName=control_table, Key=to_item({"name": LATEST}), ConsistentRead=True
    )
    if "Item" not in answer:
        return None
    return load_entity(Report, from_item(answer["Item"]))
