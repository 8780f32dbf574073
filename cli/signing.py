"""Signed requests: what the API asks for where money leaves, secrets change or trades settle."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import httpx

from trading.domain.clients.signed_requests import SignedMessage


@dataclass(frozen=True)
class Signer:
    """Signs with an API secret."""

    api_key: str
    secret: str
    now: Callable[[], datetime]

    def sign(self, request: httpx.Request, path: str) -> None:
        """Put a new signature on a request. `path` is that of the API, without the stage."""
        # Most commands sign nothing, and start faster without this import.
        from trading.adapters.identity.request_signatures import sign

        covered = ("authorization", "idempotency-key")
        message = SignedMessage(
            request.method,
            path,
            request.url.params.multi_items(),
            [(name, request.headers[name]) for name in covered],
        )
        added = sign(message, request.read(), self.api_key, self.secret, self.now(), uuid4().hex)
        request.headers.update(added)
