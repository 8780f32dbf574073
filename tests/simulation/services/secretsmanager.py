"""Secrets Manager in memory: versions of a secret and their staging labels."""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.simulation.services.errors import ServiceError

PREFIX = "arn:aws:secretsmanager:us-east-1:000000000000:secret"
CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"


@dataclass(slots=True)
class Secret:
    """Values and creation times by version id, and version ids by staging label."""

    name: str
    arn: str
    created_at: float
    values: dict[str, tuple[str, float]] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)

    def put(self, version_id: str, value: str, now: float) -> None:
        """Add a new version. It is current, and the one that was current is the previous one."""
        self.values[version_id] = (value, now)
        if CURRENT in self.stages:
            self.stages[PREVIOUS] = self.stages[CURRENT]
        self.stages[CURRENT] = version_id

    def labels(self, version_id: str) -> list[str]:
        """The labels of a version."""
        return [stage for stage, labelled in self.stages.items() if labelled == version_id]


class SecretsManager:
    """Every secret of an account, found by name or ARN."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._secrets: dict[str, Secret] = {}
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GetSecretValue": self._get_secret_value,
            "PutSecretValue": self._put_secret_value,
            "DescribeSecret": self._describe_secret,
        }

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Perform an operation, with the answer that boto3 returns.

        Raises ServiceError. Raises NotImplementedError for anything that is not simulated.
        """
        handle = self._operations.get(operation)
        if handle is None:
            raise NotImplementedError(f"secretsmanager {operation}")
        return handle(params)

    def put(self, name: str, value: str) -> str:
        """Create a secret or add a version to it. Return its ARN."""
        secret = self._secrets.get(name)
        if secret is None:
            arn = f"{PREFIX}:{name}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
            self._secrets[name] = self._secrets[arn] = secret = Secret(name, arn, self._now())
        secret.put(_new_version_id(secret), value, self._now())
        return secret.arn

    def _get_secret_value(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"SecretId", "VersionStage", "VersionId"})
        secret = self._secret(params["SecretId"])
        stage = params.get("VersionStage", CURRENT)
        version_id = params.get("VersionId") or secret.stages.get(stage)
        if version_id not in secret.values:
            which = (
                f"VersionId: {version_id}" if "VersionId" in params else f"staging label: {stage}"
            )
            raise _not_found(f"secret value for {which}")
        if (
            "VersionId" in params
            and "VersionStage" in params
            and secret.stages.get(stage) != version_id
        ):
            raise ServiceError(
                "InvalidRequestException",
                "You provided a VersionStage that is not of the VersionId.",
            )
        value, created_at = secret.values[version_id]
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": version_id,
            "SecretString": value,
            "VersionStages": secret.labels(version_id),
            "CreatedDate": datetime.fromtimestamp(created_at, UTC),
        }

    def _put_secret_value(self, params: dict[str, Any]) -> dict[str, Any]:
        """Perform PutSecretValue.

        The same token with the same value is the same request, even if that version is no longer
        current.
        """
        _known(params, {"SecretId", "ClientRequestToken", "SecretString"})
        secret, value = self._secret(params["SecretId"]), params["SecretString"]
        version_id = params.get("ClientRequestToken") or _new_version_id(secret)
        if not 32 <= len(version_id) <= 64:
            raise ServiceError(
                "InvalidParameterException", "ClientRequestToken must be 32 to 64 characters long."
            )
        if version_id not in secret.values:
            secret.put(version_id, value, self._now())
        elif secret.values[version_id][0] != value:
            raise ServiceError(
                "ResourceExistsException",
                f"You can't use ClientRequestToken {version_id} because that value is already in "
                f"use for a version of secret {secret.arn}.",
            )
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": version_id,
            "VersionStages": secret.labels(version_id),
        }

    def _describe_secret(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"SecretId"})
        secret = self._secret(params["SecretId"])
        labelled = dict.fromkeys(secret.stages.values())
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "CreatedDate": datetime.fromtimestamp(secret.created_at, UTC),
            "LastChangedDate": datetime.fromtimestamp(
                max(at for _, at in secret.values.values()), UTC
            ),
            "VersionIdsToStages": {
                version_id: secret.labels(version_id) for version_id in labelled
            },
        }

    def _secret(self, secret_id: str) -> Secret:
        secret = self._secrets.get(secret_id)
        if secret is None:
            raise _not_found("secret.")
        return secret


def _not_found(what: str) -> ServiceError:
    return ServiceError(
        "ResourceNotFoundException", f"Secrets Manager can't find the specified {what}"
    )


def _new_version_id(secret: Secret) -> str:
    return hashlib.sha256(f"{secret.arn}|{len(secret.values)}".encode()).hexdigest()[:32]


def _known(params: dict[str, Any], names: Collection[str]) -> None:
    for name in params:
        if name not in names:
            raise NotImplementedError(f"secretsmanager parameter {name}")
