"""Secrets Manager in memory: versions, their stages, and outages."""

from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError


class SecretStore:
    def __init__(self) -> None:
        self.stages: dict[str, dict[str, tuple[str, str]]] = {}
        self.reads = 0
        self.down = False
        self.denies = False

    def rotate(self, secret_id: str, version_id: str, value: str) -> None:
        stages = self.stages.setdefault(secret_id, {})
        if "AWSCURRENT" in stages:
            stages["AWSPREVIOUS"] = stages["AWSCURRENT"]
        stages["AWSCURRENT"] = (version_id, value)

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803
        self.reads += 1
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://secretsmanager")
        try:
            version_id, value = self.stages[SecretId][VersionStage]
        except KeyError:
            code = "AccessDeniedException" if self.denies else "ResourceNotFoundException"
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "GetSecretValue") from None
        return {"VersionId": version_id, "SecretString": value}
