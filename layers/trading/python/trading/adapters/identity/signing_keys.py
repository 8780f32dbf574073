"""The keys that sign access tokens: HMAC keys of KMS, which nobody can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from botocore.exceptions import BotoCoreError, ClientError
from jwt.algorithms import HMACAlgorithm

from trading.adapters.identity.macs import KMS_ALGORITHM, MacService

NOT_IN_USE = frozenset({"DisabledException", "KMSInvalidStateException"})
"""KMS's answers for a key that somebody has disabled, or has scheduled for deletion."""


class RetiredKeyError(Exception):
    """The key signs no tokens any more, and those that it signed are not valid."""


class KeysUnavailableError(Exception):
    """KMS does not answer, or refuses us. So a token can be neither signed nor judged."""


class SigningKeys(HMACAlgorithm):
    """HS256 of RFC 7518, with KMS for the computation: a key is known by its id alone.

    `keys` has the ids of KMS's keys by audience. The first of an audience signs. Tokens of all of
    them are valid.
    """

    def __init__(self, kms: MacService, keys: Mapping[str, Sequence[str]]) -> None:
        super().__init__(HMACAlgorithm.SHA256)
        self._kms = kms
        self._keys = keys

    def of(self, audience: str) -> Sequence[str]:
        """The ids of the keys of an audience, the one that signs first."""
        return self._keys.get(audience, ())

    def prepare_key(self, key: str | bytes) -> bytes:
        return key.encode() if isinstance(key, str) else key

    def check_key_length(self, key: bytes) -> str | None:
        """None: an id has no length that matters. KMS's keys have 256 bits."""

    def sign(self, msg: bytes, key: bytes) -> bytes:
        """Raises RetiredKeyError or KeysUnavailableError."""
        try:
            answer = self._kms.generate_mac(
                KeyId=key.decode(), Message=msg, MacAlgorithm=KMS_ALGORITHM
            )
        except (ClientError, BotoCoreError) as error:
            if _code(error) in NOT_IN_USE:
                raise RetiredKeyError(key.decode()) from error
            raise KeysUnavailableError(key.decode()) from error
        mac: bytes = answer["Mac"]
        return mac

    def verify(self, msg: bytes, key: bytes, sig: bytes) -> bool:
        """Raises RetiredKeyError or KeysUnavailableError."""
        if len(sig) != self.hash_alg().digest_size:  # KMS would call this an error of ours
            return False
        try:
            self._kms.verify_mac(
                KeyId=key.decode(), Message=msg, MacAlgorithm=KMS_ALGORITHM, Mac=sig
            )
        except (ClientError, BotoCoreError) as error:
            if _code(error) == "KMSInvalidMacException":
                return False
            if _code(error) in NOT_IN_USE:
                raise RetiredKeyError(key.decode()) from error
            raise KeysUnavailableError(key.decode()) from error
        return True


def _code(error: ClientError | BotoCoreError) -> str:
    """The code of an error that KMS answered with. Empty if it did not answer."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
