"""Secrets Manager secrets of which the current and the previous version are both valid, cached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.runtime.observability import count, logger
from trading.metrics import Metric

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class SecretVersion(NamedTuple):
    """A version's value, and since when it is there."""

    value: bytes
    created_at: datetime


class StagedSecret:
    """The versions of one secret that are staged AWSCURRENT or AWSPREVIOUS, by version id.

    The current version is first. While Secrets Manager does not answer, the cached versions stay in
    use: a rotation is rare, and an outage must not lock everybody out.
    """

    def __init__(
        self,
        client: SecretsManagerClient,
        secret_id: str,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._secret_id = secret_id
        self._now = now
        self.out_of_date = False
        """Whether Secrets Manager did not answer when it was last asked: there may be a version
        that is not known.
        """
        self._versions: dict[str, SecretVersion] = {}
        self._asked_at: datetime | None = None

    def versions(self, max_age: timedelta) -> dict[str, SecretVersion]:
        """The valid versions, as known `max_age` ago or since. Empty if there is no such secret."""
        now = self._now()
        if self._asked_at is None or now - self._asked_at >= max_age:
            try:
                # Current first: a rotation between the two reads then shows the same version twice,
                # not none.
                self._versions = self._read("AWSCURRENT") | self._read("AWSPREVIOUS")
                self.out_of_date = False
            except (ClientError, BotoCoreError):
                if not self._versions:
                    raise
                self.out_of_date = True
                logger.warning(
                    "secret not refreshed", exc_info=True, extra={"secret_id": self._secret_id}
                )
                count(Metric.SECRET_REFRESH_FAILED)
            self._asked_at = now
        return self._versions

    def _read(self, stage: str) -> dict[str, SecretVersion]:
        try:
            answer = self._client.get_secret_value(SecretId=self._secret_id, VersionStage=stage)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return {}
            raise
        return {
            answer["VersionId"]: SecretVersion(
                answer["SecretString"].encode(), answer["CreatedDate"]
            )
        }
