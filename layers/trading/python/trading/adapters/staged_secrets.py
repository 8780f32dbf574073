"""Secrets Manager secrets of which the current and the previous version are both valid, cached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.observability import count, logger

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class StagedSecret:
    """The versions of one secret that are staged AWSCURRENT or AWSPREVIOUS, by version id, current first.

    Read again after `cache_for`. When Secrets Manager does not answer, what is cached stays in use: rotation is
    rare, an outage must not lock everybody out.
    """

    def __init__(
        self, client: SecretsManagerClient, secret_id: str, now: Callable[[], datetime], cache_for: timedelta
    ) -> None:
        self._client = client
        self._secret_id = secret_id
        self._now = now
        self._cache_for = cache_for
        self._versions: dict[str, bytes] = {}
        self._asked_at: datetime | None = None

    def versions(self, max_age: timedelta | None = None) -> dict[str, bytes]:
        """The valid versions, at most `max_age` old (default: `cache_for`). Empty if there is no such secret."""
        now = self._now()
        if self._asked_at is None or now - self._asked_at >= (self._cache_for if max_age is None else max_age):
            try:
                # Current first: a rotation between the two reads then shows the same version twice, not none.
                self._versions = self._read("AWSCURRENT") | self._read("AWSPREVIOUS")
            except (ClientError, BotoCoreError):
                if not self._versions:
                    raise
                logger.warning("secret not refreshed", exc_info=True, extra={"secret_id": self._secret_id})
                count("SecretRefreshFailed")
            self._asked_at = now
        return self._versions

    def _read(self, stage: str) -> dict[str, bytes]:
        try:
            answer = self._client.get_secret_value(SecretId=self._secret_id, VersionStage=stage)
        except self._client.exceptions.ResourceNotFoundException:
            return {}
        return {answer["VersionId"]: answer["SecretString"].encode()}
