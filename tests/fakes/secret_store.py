"""Secrets Manager in memory: versions, their stages, and outages."""

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class SecretStore:
    def __init__(self) -> None:
        self.stages: dict[str, dict[str, tuple[str, str, datetime]]] = {}
        self.reads = 0
        self.down = False
        self.denies = False

    def rotate(self, secret_id: str, version_id: str, value: str, at: datetime = LONG_AGO) -> None:
        stages = self.stages.setdefault(secret_id, {})
        if "AWSCURRENT" in stages:
            stages["AWSPREVIOUS"] = stages["AWSCURRENT"]
        stages["AWSCURRENT"] = (version_id, value, at)

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803
        self.reads += 1
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://secretsmanager")
        try:
            version_id, value, created_at = self.stages[SecretId][VersionStage]
        except KeyError:
            code = "AccessDeniedException" if self.denies else "ResourceNotFoundException"
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "GetSecretValue") from None
        return {"VersionId": version_id, "SecretString": value, "CreatedDate": created_at}
