"""KMS: MACs of HMAC keys. The simulated service, moto and the local AWS are compared."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from local.aws_client import aws_client
from tests.simulation.boto import simulated_client
from tests.simulation.contracts.backends import BACKENDS, without
from tests.simulation.services.kms import Kms

ALGORITHM = "HMAC_SHA_256"
USES_DISABLED_KEYS = "a disabled key makes MACs"
TAKES_ANY_LENGTH = "a message may have any length"


@dataclass
class Backend:
    """A KMS. `create` creates an HMAC key and returns its id."""

    client: Any
    create: Callable[[], str]

    def mac(self, key: str, message: bytes) -> bytes:
        answer = self.client.generate_mac(KeyId=key, Message=message, MacAlgorithm=ALGORITHM)
        mac: bytes = answer["Mac"]
        return mac

    def verify(self, key: str, message: bytes, mac: bytes) -> Any:
        return self.client.verify_mac(KeyId=key, Message=message, MacAlgorithm=ALGORITHM, Mac=mac)


@pytest.fixture(params=BACKENDS)
def aws(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param == "simulated":
        service = Kms()
        yield Backend(
            simulated_client("kms", service, validate=True), lambda: service.create(str(uuid4()))
        )
        return
    if request.param == "moto":
        request.getfixturevalue("moto_aws")
        client: Any = boto3.client("kms")
    else:
        client = aws_client(request.getfixturevalue("local_aws"), "kms")

    def create() -> str:
        made = client.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        return str(made["KeyMetadata"]["KeyId"])

    yield Backend(client, create)


def refused(code: str, call: Callable[..., Any], *arguments: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(*arguments)
    assert caught.value.response["Error"]["Code"] == code


def test_the_same_message_has_the_same_mac_under_its_key_only(aws: Backend) -> None:
    one, other = aws.create(), aws.create()
    mac = aws.mac(one, b"message")
    assert len(mac) == hashlib.sha256().digest_size
    assert mac == aws.mac(one, b"message") != aws.mac(one, b"massage")
    assert mac != aws.mac(other, b"message")
    assert mac not in (hmac.digest(key.encode(), b"message", "sha256") for key in (one, other))


def test_only_the_right_mac_is_valid(aws: Backend) -> None:
    one, other = aws.create(), aws.create()
    mac = aws.mac(one, b"message")
    assert aws.verify(one, b"message", mac)["MacValid"] is True
    refused("KMSInvalidMacException", aws.verify, one, b"massage", mac)
    refused("KMSInvalidMacException", aws.verify, other, b"message", mac)
    refused("KMSInvalidMacException", aws.verify, one, b"message", bytes(32))
    refused("KMSInvalidMacException", aws.verify, one, b"message", mac[:31])


def test_an_unknown_key_is_not_found(aws: Backend) -> None:
    refused("NotFoundException", aws.mac, str(uuid4()), b"message")
    refused("NotFoundException", aws.verify, str(uuid4()), b"message", bytes(32))


@without(moto=USES_DISABLED_KEYS)
def test_a_disabled_key_neither_makes_nor_verifies(aws: Backend) -> None:
    key = aws.create()
    mac = aws.mac(key, b"message")
    aws.client.disable_key(KeyId=key)
    refused("DisabledException", aws.mac, key, b"message")
    refused("DisabledException", aws.verify, key, b"message", mac)


@without(moto=TAKES_ANY_LENGTH)
def test_a_message_has_4096_bytes_at_most(aws: Backend) -> None:
    key = aws.create()
    assert aws.mac(key, b"x" * 4096)
    refused("ValidationException", aws.mac, key, b"x" * 4097)
