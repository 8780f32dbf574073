"""Signed requests: what the API asks for where money leaves, secrets change or trades settle, and
how a program shows a second factor at a log-in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import uuid4

import httpx

from trading.domain.clients.signed_requests import COVERED, SignedMessage

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class Signer:
    """Signs requests. Most programs sign little, and start faster without the imports of this
    module's functions.
    """

    api_key: str
    load_key: "Callable[[], Ed25519PrivateKey]"
    now: Callable[[], datetime]

    @classmethod
    def of_secret(cls, api_key: str, secret: str, now: Callable[[], datetime]) -> Self:
        """Signs with the key that is derived from an API secret."""

        def load() -> "Ed25519PrivateKey":
            from trading.adapters.identity.signature_keys import signer_of

            return signer_of(secret)

        return cls(api_key, load, now)

    @classmethod
    def of_key(cls, api_key: str, pem: str, now: Callable[[], datetime]) -> Self:
        """Signs with the private half of a registered key."""

        def load() -> "Ed25519PrivateKey":
            from trading.adapters.identity.signature_keys import read_private_key

            return read_private_key(pem)

        return cls(api_key, load, now)

    def sign(self, request: httpx.Request, path: str) -> None:
        """Put a new signature on a request. `path` is that of the API, without the stage. Raises
        ValueError if the key is not one of Ed25519 in PEM.
        """
        from trading.adapters.identity.request_signatures import sign

        message = SignedMessage(
            request.method,
            path,
            request.url.params.multi_items(),
            [(name, request.headers[name]) for name in COVERED if name in request.headers],
        )
        added = sign(
            message, request.read(), self.api_key, self.load_key(), self.now(), uuid4().hex
        )
        request.headers.update(added)
