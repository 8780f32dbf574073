"""The secrets shared with exchanges and the depository."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from trading.adapters.runtime.secrets import StagedSecret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_FOR = timedelta(minutes=5)
"""After a rotation, the previous secret is still valid for signing, so a stale one does no harm."""
MAX_CACHED = 256
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class VenueSecrets:
    """Secrets by key id (exchange id or `depository`), named `{prefix}{key id}`."""

    def __init__(
        self, client: SecretsManagerClient, prefix: str, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._now = now
        self._cached: dict[str, StagedSecret] = {}

    def for_key(self, key_id: str) -> tuple[bytes, ...]:
        """The current secret and, while it is valid, the previous one.
        Empty for an unknown key id.
        """
        if not KEY_ID.fullmatch(key_id):
            return ()
        if key_id not in self._cached:
            if (
                len(self._cached) >= MAX_CACHED
            ):  # strangers can send any key id, and the cache must not grow with them
                self._cached.clear()
            self._cached[key_id] = StagedSecret(
                self._client, self._prefix + key_id, self._now, denied_is_absent=True
            )
        return tuple(version.value for version in self._cached[key_id].versions(CACHE_FOR).values())
