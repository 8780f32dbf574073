"""Signed HTTP to the outside world, with short time-outs; every call may be repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import urllib3

from trading.adapters.signatures import signed_headers
from trading.adapters.venue_secrets import VenueSecrets
from trading.usecases.ports import OutcomeUnknownError

CONNECT_TIMEOUT_SECONDS = 0.5


def pool(read_timeout_seconds: float) -> urllib3.PoolManager:
    """Connections with a time-out. Twice the time-out must fit into what calls the function has time for."""
    timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=read_timeout_seconds)
    return urllib3.PoolManager(timeout=timeout, retries=False)


@dataclass(frozen=True)
class VenueHttp:
    """Requests to the API at `base_url`, signed with the venue's key. What we ask is idempotent by its ids and may be repeated."""

    base_url: Callable[[], str]
    secrets: VenueSecrets
    now: Callable[[], datetime]
    pool: urllib3.PoolManager

    def request(
        self, key_id: str, method: str, path: str, body: bytes = b"", correlation_id: str = "", tries: int = 2
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OutcomeUnknownError when there is none, or a 5xx other than 503.

        With more than one try a 503 says nothing about the tries before it.
        """
        status, answer = 0, b""
        for _ in range(tries):
            try:
                status, answer = self._once(key_id, method, path, body, correlation_id)
            except urllib3.exceptions.HTTPError as error:
                status, answer = 0, repr(error).encode()
            if 0 < status < 500 or status == 503:
                return status, answer
        raise OutcomeUnknownError(f"{method} {path}: {status or 'no answer'} {answer[:200]!r}")

    def _once(self, key_id: str, method: str, path: str, body: bytes, correlation_id: str) -> tuple[int, bytes]:
        secrets = self.secrets.for_key(key_id)
        if not secrets:
            raise OutcomeUnknownError(f"no secret for {key_id}")
        headers = signed_headers(key_id, secrets[0], int(self.now().timestamp()), method, path, body)
        headers |= {"Content-Type": "application/json"} | (
            {"X-Correlation-Id": correlation_id} if correlation_id else {}
        )
        response = self.pool.request(method, self.base_url() + path, body=body or None, headers=headers)
        return response.status, response.data
