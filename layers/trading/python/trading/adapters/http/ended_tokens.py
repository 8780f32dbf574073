"""The tokens that ended before their time, kept where each request is counted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.http.throttle import counts_expire_at, counts_key, hour_of
from trading.adapters.runtime.observability import logger
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

    def current(self, api_keys: Collection[str]) -> Mapping[str, int]:
        """The port `TokenGenerations`. If the table does not answer, no token counts as ended, as
        at a request.
        """
        hour = hour_of(self._now())
        request: Any = {
            self._table: {
                "Keys": [counts_key(api_key, hour) for api_key in sorted(api_keys)],
                "ProjectionExpression": "#name, generation",
                "ExpressionAttributeNames": {"#name": "name"},
            }
        }
        try:
            answer = self._client.batch_get_item(RequestItems=request)
        except (ClientError, BotoCoreError):
            logger.warning("ended tokens not read: no answer", exc_info=True)
            return {}
        found = {
            item["name"]["S"]: int(item["generation"]["N"])
            for item in answer["Responses"].get(self._table, [])
            if "generation" in item
        }
        names = {api_key: counts_key(api_key, hour)["name"]["S"] for api_key in api_keys}
        return {api_key: found[name] for api_key, name in names.items() if name in found}

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
