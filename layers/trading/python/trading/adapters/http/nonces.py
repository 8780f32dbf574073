"""The nonces of signatures, each of which an API key uses once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from trading.domain.clients.signed_requests import NONCE_KEPT_FOR, SignatureError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableNonces:
    """Remembers nonces in the control table, for longer than a signature is valid."""

    def __init__(self, client: DynamoDBClient, table: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._now = now

    def use(self, api_key: str, nonce: str) -> None:
        """Remember a nonce. Raises SignatureError if the key has used it before, and botocore's
        errors if that cannot be told.
        """
        # botocore repeats a write whose answer is lost. The repetition must not count as a second
        # use. API Gateway's request id would not do: a caller can choose it.
        use = uuid4().hex
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"name": {"S": f"NONCE#{api_key}#{nonce}"}},
                UpdateExpression="SET used_by = :use, expires_at = :expires_at",
                ConditionExpression="attribute_not_exists(used_by) OR used_by = :use",
                ExpressionAttributeValues={
                    ":use": {"S": use},
                    ":expires_at": {
                        "N": str(int((self._now() + NONCE_KEPT_FOR).timestamp())),
                    },
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise SignatureError(
                "The nonce came before. A signed request is good once: sign each request anew with "
                "a new nonce, a repetition too."
            ) from None
