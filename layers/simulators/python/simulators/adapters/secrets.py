"""The secrets that the venues and the broker sign with. A worker caches them for one minute."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from trading.adapters.venues.signatures import SignatureError, verify

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEPT_FOR = timedelta(seconds=60)
REFRESHED_AFTER = timedelta(seconds=1)
"""A signature that does not match may mean a newer secret. A worker looks for one at most once in
this time.
"""


class _Kept(NamedTuple):
    at: datetime
    secrets: tuple[bytes, ...]


class VenueSecrets:
    """Secrets named `{prefix}{key id}`, of the allowed key ids alone. The current version signs.
    The current and the previous version verify.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        prefix: str,
        clock: Callable[[], datetime],
        key_ids: Collection[str],
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._clock = clock
        self._key_ids = frozenset(key_ids)
        self._kept: dict[str, _Kept] = {}

    def current(self, key_id: str) -> bytes:
        """The secret to sign with."""
        return self._secrets(key_id, KEPT_FOR)[0]

    def refresh(self, key_id: str) -> None:
        """Look for a newer secret, because the other side did not know the present one."""
        self._secrets(key_id, REFRESHED_AFTER)

    def verify(
        self, headers: Mapping[str, str], key_id: str, method: str, path: str, body: bytes
    ) -> None:
        """Raise SignatureError unless this key signed the request.
        Header names are in lower case.
        """
        if key_id not in self._key_ids or headers.get("x-key-id") != key_id:
            raise SignatureError("signed with another key")
        for kept_for in (KEPT_FOR, REFRESHED_AFTER):
            try:
                return verify(
                    headers,
                    self._secrets(key_id, kept_for),
                    int(self._clock().timestamp()),
                    method,
                    path,
                    body,
                )
            except SignatureError as error:
                failure = error
        raise failure

    def _secrets(self, key_id: str, kept_for: timedelta) -> tuple[bytes, ...]:
        now = self._clock()
        kept = self._kept.get(key_id)
        if kept is None or now - kept.at >= kept_for:
            kept = self._kept[key_id] = _Kept(now, self._read_all(key_id))
        return kept.secrets

    def _read_all(self, key_id: str) -> tuple[bytes, ...]:
        current = self._read(key_id, "AWSCURRENT")
        try:
            return current, self._read(key_id, "AWSPREVIOUS")
        except self._client.exceptions.ResourceNotFoundException:
            return (current,)

    def _read(self, key_id: str, stage: Literal["AWSCURRENT", "AWSPREVIOUS"]) -> bytes:
        answer = self._client.get_secret_value(
            SecretId=f"{self._prefix}{key_id}", VersionStage=stage
        )
        return answer["SecretString"].encode()
