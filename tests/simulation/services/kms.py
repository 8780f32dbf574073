"""The HMAC keys of KMS in memory."""

import hashlib
import hmac
from collections.abc import Callable, Collection
from typing import Any

from tests.simulation.services.errors import ServiceError

PREFIX = "arn:aws:kms:us-east-1:000000000000:key/"
ALGORITHM = "HMAC_SHA_256"
LONGEST_MESSAGE = 4096


class Kms:
    """Every HMAC key of an account, found by id or ARN. Its material follows from its id, so that
    a run can be repeated.
    """

    def __init__(self) -> None:
        self._enabled: dict[str, bool] = {}
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GenerateMac": self._generate_mac,
            "VerifyMac": self._verify_mac,
            "DisableKey": self._disable_key,
        }

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Perform an operation, with the answer that boto3 returns.

        Raises ServiceError. Raises NotImplementedError for anything that is not simulated.
        """
        handle = self._operations.get(operation)
        if handle is None:
            raise NotImplementedError(f"kms {operation}")
        return handle(params)

    def create(self, key_id: str) -> str:
        """Create a key of type HMAC_256, unless it is there. Return its id."""
        self._enabled.setdefault(key_id, True)
        return key_id

    def _generate_mac(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"KeyId", "Message", "MacAlgorithm"})
        key_id, mac = self._mac(params)
        return {"KeyId": PREFIX + key_id, "Mac": mac, "MacAlgorithm": ALGORITHM}

    def _verify_mac(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"KeyId", "Message", "MacAlgorithm", "Mac"})
        key_id, mac = self._mac(params)
        if not hmac.compare_digest(mac, params["Mac"]):
            raise ServiceError(
                "KMSInvalidMacException",
                "The request was rejected because the HMAC verification failed.",
            )
        return {"KeyId": PREFIX + key_id, "MacValid": True, "MacAlgorithm": ALGORITHM}

    def _disable_key(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"KeyId"})
        self._enabled[self._key(params["KeyId"])] = False
        return {}

    def _mac(self, params: dict[str, Any]) -> tuple[str, bytes]:
        """The id of the key, and the MAC of the message."""
        key_id, message = self._key(params["KeyId"]), params["Message"]
        if params["MacAlgorithm"] != ALGORITHM:
            raise NotImplementedError(f"kms {params['MacAlgorithm']}")
        if not 1 <= len(message) <= LONGEST_MESSAGE:
            raise ServiceError("ValidationException", "Member must have another length.")
        if not self._enabled[key_id]:
            raise ServiceError("DisabledException", f"{PREFIX}{key_id} is disabled.")
        return key_id, hmac.digest(f"material of {key_id}".encode(), message, hashlib.sha256)

    def _key(self, named: str) -> str:
        key_id = named.removeprefix(PREFIX)
        if key_id not in self._enabled:
            raise ServiceError("NotFoundException", f"Key '{PREFIX}{key_id}' does not exist")
        return key_id


def _known(params: dict[str, Any], names: Collection[str]) -> None:
    for name in params:
        if name not in names:
            raise NotImplementedError(f"kms parameter {name}")
