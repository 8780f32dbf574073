"""The tokens that ended before their time, kept where each request is counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from trading.adapters.http.throttle import counts_expire_at, counts_key, hour_of
from trading.domain.clients.credentials import LONGEST_TOKEN

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLOCK_DIFFERENCE = timedelta(minutes=1)
"""The clocks of two workers differ by less."""


class TableEndedTokens:
    """The port `EndedTokens` over the control table.

    The counts of a key's requests are an item for each hour. The generation is written into each of
    them in which a token that was issued by now can be used. So a request learns of it from the
    write that counts it.
    """

    def __init__(self, client: DynamoDBClient, table: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._now = now

    def end_before(self, api_key: str, generation: int) -> None:
        now = self._now()
        first = hour_of(now - CLOCK_DIFFERENCE)
        last = hour_of(now + LONGEST_TOKEN + CLOCK_DIFFERENCE)
        for hour in range(first, last + 1):
            self._write(api_key, generation, hour)

    def _write(self, api_key: str, generation: int, hour: int) -> None:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=counts_key(api_key, hour),
                UpdateExpression="SET generation = :generation, expires_at = :expires_at",
                ConditionExpression="attribute_not_exists(generation) OR generation < :generation",
                ExpressionAttributeValues={
                    ":generation": {"N": str(generation)},
                    ":expires_at": {"N": str(counts_expire_at(hour))},
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return  # written before, by this request or by a newer one
