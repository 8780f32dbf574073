"""The HMAC keys of KMS in memory: their state, outages, and the calls."""

import hashlib
import hmac
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError


class MacStore:
    """Keys are made at their first use, because tests only compare what two of them do."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.down = False
        self.refusals: dict[str, str] = {}
        """The error codes that KMS answers with, by key."""

    def mac(self, key: str, message: bytes) -> bytes:
        """The MAC of a message. Tests forge with it. It is no call."""
        return hmac.digest(f"material of {key}".encode(), message, hashlib.sha256)

    def generate_mac(self, *, KeyId: str, Message: bytes, MacAlgorithm: str) -> dict[str, Any]:  # noqa: N803
        self._meet("GenerateMac", KeyId, MacAlgorithm)
        return {"Mac": self.mac(KeyId, Message)}

    def verify_mac(
        self,
        *,
        KeyId: str,  # noqa: N803
        Message: bytes,  # noqa: N803
        MacAlgorithm: str,  # noqa: N803
        Mac: bytes,  # noqa: N803
    ) -> dict[str, Any]:
        self._meet("VerifyMac", KeyId, MacAlgorithm)
        if not hmac.compare_digest(Mac, self.mac(KeyId, Message)):
            raise _refused("KMSInvalidMacException", "VerifyMac")
        return {"MacValid": True}

    def _meet(self, operation: str, key: str, algorithm: str) -> None:
        self.calls.append(operation)
        assert algorithm == "HMAC_SHA_256"
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://kms")
        if key in self.refusals:
            raise _refused(self.refusals[key], operation)


def _refused(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, operation)
