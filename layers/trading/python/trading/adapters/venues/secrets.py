"""The secrets shared with exchanges and the depository."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from trading.adapters.runtime.secrets import StagedSecret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_FOR = timedelta(minutes=5)
"""After a rotation, the previous secret is still valid for signing, so a stale one does no harm."""


class VenueSecrets:
    """Secrets named `{prefix}{key id}`, of the allowed key ids alone.

    Nothing is looked up or remembered for any other key id, because strangers can send any.
    """

    def __init__(
        self,
        client: SecretsManagerClient,
        prefix: str,
        now: Callable[[], datetime],
        key_ids: Iterable[str],
    ) -> None:
        self._secrets = {key_id: StagedSecret(client, prefix + key_id, now) for key_id in key_ids}

    def for_key(self, key_id: str) -> tuple[bytes, ...]:
        """The current secret and, while it is valid, the previous one.
        Empty for a key id that is not allowed.
        """
        secret = self._secrets.get(key_id)
        if secret is None:
            return ()
        return tuple(version.value for version in secret.versions(CACHE_FOR).values())
