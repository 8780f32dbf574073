"""Secrets Manager: versions and staging labels.

The simulated service, moto and the local AWS are compared.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
import pytest

from local.aws_client import aws_client
from tests.simulation.boto import simulated_client
from tests.simulation.contracts.backends import BACKENDS, without
from tests.simulation.services.secretsmanager import SecretsManager

EVERY_PUT_COUNTS = "a version id that exists is put again as a new version"


@dataclass
class Backend:
    """A Secrets Manager. `create` creates a secret with its first version."""

    client: Any
    create: Callable[[str, str], str]

    def put(self, secret: str, value: str, version: str | None = None) -> Any:
        token = {"ClientRequestToken": version} if version else {}
        return self.client.put_secret_value(SecretId=secret, SecretString=value, **token)

    def get(self, secret: str, stage: str = "AWSCURRENT") -> Any:
        return self.client.get_secret_value(SecretId=secret, VersionStage=stage)


@pytest.fixture(params=BACKENDS)
def aws(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param == "simulated":
        service = SecretsManager(lambda: 1_800_000_000.0)
        yield Backend(simulated_client("secretsmanager", service, validate=True), service.put)
        return
    if request.param == "moto":
        request.getfixturevalue("moto_aws")
        client: Any = boto3.client("secretsmanager")
    else:
        client = aws_client(request.getfixturevalue("local_aws"), "secretsmanager")
    yield Backend(
        client, lambda name, value: client.create_secret(Name=name, SecretString=value)["ARN"]
    )


@pytest.fixture
def secret(aws: Backend) -> str:
    """The name of a secret with one version, "first"."""
    name = f"secret-{uuid4()}"
    aws.create(name, "first")
    return name


def version() -> str:
    return str(uuid4())


def test_a_new_version_is_current_and_the_one_before_it_previous(aws: Backend, secret: str) -> None:
    first = aws.get(secret)
    second = aws.put(secret, "second", version())
    assert (second["VersionStages"], aws.get(secret)["SecretString"]) == (["AWSCURRENT"], "second")
    previous = aws.get(secret, "AWSPREVIOUS")
    assert (previous["SecretString"], previous["VersionId"]) == ("first", first["VersionId"])
    aws.put(secret, "third")
    assert aws.get(secret, "AWSPREVIOUS")["VersionId"] == second["VersionId"]
    stages = aws.client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    labels = sorted(label for labels in stages.values() for label in labels)
    assert labels == ["AWSCURRENT", "AWSPREVIOUS"]


def test_a_secret_is_found_by_name_and_by_arn(aws: Backend, secret: str) -> None:
    arn = aws.get(secret)["ARN"]
    assert aws.get(arn)["Name"] == secret
    assert f":secret:{secret}-" in arn


def test_a_version_is_found_by_its_id(aws: Backend, secret: str) -> None:
    first = aws.get(secret)
    aws.put(secret, "second")
    found = aws.client.get_secret_value(SecretId=secret, VersionId=first["VersionId"])
    assert found["SecretString"] == "first"


@without(local=EVERY_PUT_COUNTS)
def test_the_same_request_again_changes_nothing(aws: Backend, secret: str) -> None:
    token = version()
    assert (
        aws.put(secret, "second", token)["VersionId"]
        == aws.put(secret, "second", token)["VersionId"]
        == token
    )
    assert aws.get(secret, "AWSPREVIOUS")["SecretString"] == "first"


@without(local=EVERY_PUT_COUNTS)
def test_the_same_request_after_another_does_not_bring_its_version_back(
    aws: Backend, secret: str
) -> None:
    token = version()
    aws.put(secret, "second", token)
    aws.put(secret, "third")
    aws.put(secret, "second", token)
    assert aws.get(secret)["SecretString"] == "third"


@without(local=EVERY_PUT_COUNTS)
def test_a_version_cannot_get_another_value(aws: Backend, secret: str) -> None:
    token = version()
    aws.put(secret, "second", token)
    with pytest.raises(aws.client.exceptions.ResourceExistsException):
        aws.put(secret, "something else", token)
    assert aws.get(secret)["SecretString"] == "second"


def test_what_is_not_there_is_not_found(aws: Backend, secret: str) -> None:
    not_found = aws.client.exceptions.ResourceNotFoundException
    with pytest.raises(not_found):
        aws.get(secret, "AWSPREVIOUS")
    with pytest.raises(not_found):
        aws.get("nobody's")
    with pytest.raises(not_found):
        aws.put("nobody's", "x")
    with pytest.raises(not_found):
        aws.client.describe_secret(SecretId="nobody's")


def test_what_is_not_simulated_is_not_ignored() -> None:
    service = SecretsManager(lambda: 0.0)
    service.put("s", "x")
    with pytest.raises(NotImplementedError):
        service.call(
            "PutSecretValue",
            {"SecretId": "s", "SecretString": "y", "VersionStages": ["AWSPENDING"]},
        )
    with pytest.raises(NotImplementedError):
        service.call("RotateSecret", {"SecretId": "s"})
