"""API keys and their secrets: who may have a token, and how guessing is slowed down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from trading.adapters import passwords
from trading.adapters.observability import count, logger
from trading.domain.clients import ClientStatus
from trading.domain.errors import DomainError, ErrorKind
from trading.domain.values import Frozen

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLIENT_AUDIENCE = "trading-api"
INTERNAL_AUDIENCE = "trading-internal"

FREE_FAILURES = 5
FIRST_LOCK = timedelta(seconds=5)
LONGEST_LOCK = timedelta(minutes=15)
FAILURES_REMEMBERED_FOR = timedelta(hours=1)


class CredentialStatus(StrEnum):
    """Whether a credential may be used."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Credential(Frozen):
    """An API key: whose it is, the hashes of its secrets, what it may do, and at which API."""

    api_key: str
    client_id: str
    secret_hashes: tuple[str, ...] = Field(min_length=1, max_length=passwords.MAX_HASHES)
    permissions: tuple[str, ...]
    audience: str = CLIENT_AUDIENCE
    status: CredentialStatus = CredentialStatus.ACTIVE

    def to_item(self) -> dict[str, Any]:
        """The item of the credentials table, in DynamoDB's JSON."""
        return {name: TypeSerializer().serialize(value) for name, value in self.model_dump(mode="json").items()}


class InvalidCredentialsError(DomainError):
    """Unknown key or wrong secret: not told apart."""

    code = "INVALID_CREDENTIALS"
    kind = ErrorKind.UNAUTHENTICATED


class ClientInactiveError(DomainError):
    """The secret is right, but the client or the credential is not active."""

    code = "CLIENT_INACTIVE"
    kind = ErrorKind.FORBIDDEN


class LoginLockedError(DomainError):
    """Too many failures with this key of late."""

    code = "LOGIN_LOCKED"
    kind = ErrorKind.THROTTLED


def lock_after(failures: int) -> timedelta:
    """How long a key is locked after its n-th failure in a row: 5 s after the 5th, then doubling up to 15 minutes."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    doublings = min(failures - FREE_FAILURES, 16)
    return min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


class Login:
    """Checks API keys and secrets. For an unknown key the same work is done as for a known one."""

    def __init__(
        self,
        client: DynamoDBClient,
        credentials_table: str,
        clients_table: str,
        control_table: str,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._credentials_table = credentials_table
        self._clients_table = clients_table
        self._failures = _Failures(client, control_table, now)

    def authenticate(self, api_key: str, secret: str) -> Credential:
        """The credential. Raises LoginLockedError, InvalidCredentialsError, ClientInactiveError, in this order."""
        failures = self._failures.check(api_key)
        credential = self._credential(api_key)
        if not passwords.matches(secret, credential.secret_hashes if credential else ()) or credential is None:
            self._failures.add(api_key)
            raise InvalidCredentialsError("The API key or the secret is wrong.")
        if failures:
            self._failures.forget(api_key)
        if credential.status is not CredentialStatus.ACTIVE or not self._client_is_active(credential):
            raise ClientInactiveError("This client may not log in.")
        return credential

    def _credential(self, api_key: str) -> Credential | None:
        answer = self._client.get_item(
            TableName=self._credentials_table, Key={"api_key": {"S": api_key}}, ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        deserialize = TypeDeserializer().deserialize
        return Credential.model_validate({name: deserialize(value) for name, value in answer["Item"].items()})

    def _client_is_active(self, credential: Credential) -> bool:
        if credential.audience == INTERNAL_AUDIENCE:  # a service, not a client
            return True
        answer = self._client.get_item(
            TableName=self._clients_table, Key={"client_id": {"S": credential.client_id}}, ConsistentRead=True
        )
        return answer.get("Item", {}).get("status", {}).get("S") == ClientStatus.ACTIVE


class _Failures:
    """Failed logins in a row by key, known or not. TTL forgets them; without the control table nobody is locked out."""

    def __init__(self, client: DynamoDBClient, table: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._table = table
        self._now = now

    def check(self, api_key: str) -> int:
        """How many failures stand against the key. Raises LoginLockedError while it is locked."""
        try:
            item = self._client.get_item(TableName=self._table, Key=_key(api_key), ConsistentRead=True).get("Item")
        except (ClientError, BotoCoreError):
            return _unavailable()
        if item is None:
            return 0
        failures = int(item["failures"]["N"])
        unlocked_at = float(item["failed_at"]["N"]) + lock_after(failures).total_seconds()
        wait = unlocked_at - self._now().timestamp()
        if wait > 0:
            raise LoginLockedError("Too many failed attempts with this key.", retry_after_seconds=int(wait) + 1)
        return failures

    def add(self, api_key: str) -> None:
        now = int(self._now().timestamp())
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(api_key),
                UpdateExpression="ADD failures :one SET failed_at = :now, expires_at = :expires_at",
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":now": {"N": str(now)},
                    ":expires_at": {"N": str(now + int(FAILURES_REMEMBERED_FOR.total_seconds()))},
                },
            )
        except (ClientError, BotoCoreError):
            _unavailable()

    def forget(self, api_key: str) -> None:
        try:
            self._client.delete_item(TableName=self._table, Key=_key(api_key))
        except (ClientError, BotoCoreError):
            _unavailable()


def _key(api_key: str) -> dict[str, Any]:
    return {"name": {"S": f"LOGIN#{api_key}"}}


def _unavailable() -> int:
    logger.warning("failed logins not counted: the control table does not answer", exc_info=True)
    count("LoginGuardUnavailable")
    return 0
