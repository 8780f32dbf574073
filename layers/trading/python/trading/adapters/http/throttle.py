"""The rate limit of each API key: fixed windows, counted in the control table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.runtime.observability import count, logger
from trading.metrics import Metric

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Allowance:
    """What a key may still do in its window. `reset` is the start of the next window in Unix
    seconds.
    """

    granted: bool
    limit: int
    remaining: int
    reset: int
    retry_after_seconds: int


class Throttle:
    """Grants each key `limit` requests in a window of `window_seconds`, with one conditional write
    for each request.

    If the control table does not answer, requests pass: a rate limit must not stop trading.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        now: Callable[[], datetime],
        limit: int,
        window_seconds: int,
    ) -> None:
        self._client = client
        self._table = table
        self._now = now
        self._limit = limit
        self._window_seconds = window_seconds

    def take(self, api_key: str) -> Allowance | None:
        """Count one request; None when it could not be counted."""
        now = int(self._now().timestamp())
        window = now // self._window_seconds
        reset = (window + 1) * self._window_seconds
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"name": {"S": f"RATE#{api_key}#{window}"}},
                UpdateExpression="ADD requests :one SET expires_at = :expires_at",
                ConditionExpression="attribute_not_exists(requests) OR requests < :limit",
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":limit": {"N": str(self._limit)},
                    ":expires_at": {"N": str(reset + self._window_seconds)},
                },
                ReturnValues="UPDATED_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return Allowance(False, self._limit, 0, reset, reset - now)
        except (ClientError, BotoCoreError):
            logger.warning(
                "rate limit not counted: the control table does not answer", exc_info=True
            )
            count(Metric.RATE_LIMIT_UNAVAILABLE)
            return None
        used = int(answer["Attributes"]["requests"]["N"])
        return Allowance(True, self._limit, self._limit - used, reset, reset - now)
