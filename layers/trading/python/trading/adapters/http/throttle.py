"""The rate limit of each API key: fixed windows, counted in the control table.

The write that counts a request also tells which tokens of the key have ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.runtime.observability import count, logger
from trading.metrics import Metric

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COUNTS_KEPT_FOR = timedelta(hours=1)
"""After the hour that they are of."""
WAITING_REQUESTS = 10
"""So many requests of a key may wait in a window. The others are answered at once, so that one key
cannot take all the concurrency of a function that waits.
"""


@dataclass(frozen=True)
class Allowance:
    """What a key may still do in its window. `reset` is the start of the next window in Unix
    seconds. Tokens of a generation before `generation` have ended.
    """

    granted: bool
    limit: int
    remaining: int
    reset: int
    retry_after_seconds: int
    generation: int = 0

    @property
    def may_wait(self) -> bool:
        """Whether the request may take as long as its caller wants: it is among the first."""
        return self.limit - self.remaining <= WAITING_REQUESTS

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


class Throttle:
    """Grants each key `limit` requests in a window of `window_seconds`, with one conditional write
    for each request. The counts of an hour are one item.

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

    def take(self, api_key: str, generation: int) -> Allowance | None:
        """Count one request with a token of a generation; None when it could not be counted.

        Each generation has counts of its own. So whoever has a token that was ended uses up nothing
        of the owner's.
        """
        now = int(self._now().timestamp())
        window = now // self._window_seconds
        reset = (window + 1) * self._window_seconds
        hour = window * self._window_seconds // 3600
        counter = f"w{window}g{generation}"
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=counts_key(api_key, hour),
                UpdateExpression="ADD #window :one SET expires_at = :expires_at REMOVE #past",
                ConditionExpression="attribute_not_exists(#window) OR #window < :limit",
                ExpressionAttributeNames={
                    "#window": counter,
                    "#past": f"w{window - 2}g{generation}",  # another clock may be in window - 1
                },
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":limit": {"N": str(self._limit)},
                    ":expires_at": {"N": str(counts_expire_at(hour))},
                },
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return Allowance(False, self._limit, 0, reset, reset - now)
        except (ClientError, BotoCoreError):
            logger.warning(
                "rate limit not counted: the control table does not answer", exc_info=True
            )
            count(Metric.RATE_LIMIT_UNAVAILABLE)
            return None
        counts = answer["Attributes"]
        used = int(counts[counter]["N"])
        current = int(counts.get("generation", {"N": "0"})["N"])
        return Allowance(True, self._limit, self._limit - used, reset, reset - now, current)


def hour_of(time: datetime) -> int:
    """The number of the hour since 1970 that a time is in."""
    return int(time.timestamp()) // 3600


def counts_expire_at(hour: int) -> int:
    """When the counts of an hour may be removed, in Unix seconds."""
    return (hour + 1) * 3600 + int(COUNTS_KEPT_FOR.total_seconds())


def counts_key(api_key: str, hour: int) -> dict[str, Any]:
    """The key of the item that counts the requests of an API key in an hour."""
    return {"name": {"S": f"RATE#{api_key}#{hour}"}}
