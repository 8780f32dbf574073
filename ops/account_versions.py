"""The versions of restored accounts."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from ops.target import Target

WORKERS = 16


def advance_versions(target: Target, now: datetime) -> None:
    """Give each account a version that it never had: the time, in hundredths of a second.

    An account's version counts its events. The restore undid some, and their sequences must not be
    given to others. No account has a hundred transactions a second. Idempotent.
    """
    client, table = target.dynamodb, target.named("accounts")
    version = {":version": {"N": str(int(now.timestamp() * 100))}}

    def advance(client_id: str) -> None:
        try:
            client.update_item(
                TableName=table,
                Key={"client_id": {"S": client_id}, "item": {"S": "CASH"}},
                UpdateExpression="SET version = :version",
                ConditionExpression="version < :version",
                ExpressionAttributeValues=version,
            )
        except client.exceptions.ConditionalCheckFailedException:
            return

    with ThreadPoolExecutor(WORKERS) as workers:
        for _ in workers.map(advance, _clients(target)):
            pass


def _clients(target: Target) -> Iterator[str]:
    pages: Any = target.dynamodb.get_paginator("scan").paginate(
        TableName=target.named("accounts"),
        FilterExpression="#item = :cash",
        ProjectionExpression="client_id",
        ExpressionAttributeNames={"#item": "item"},
        ExpressionAttributeValues={":cash": {"S": "CASH"}},
    )
    for page in pages:
        yield from (item["client_id"]["S"] for item in page["Items"])
