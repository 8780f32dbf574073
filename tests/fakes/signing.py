"""Signed requests, as API Gateway hands them over."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trading.adapters.identity.request_signatures import sign
from trading.adapters.identity.signature_keys import read_private_key, signer_of
from trading.domain.clients.signed_requests import SignedMessage

TOKEN = "Bearer the-token"


def signed(
    event: Mapping[str, Any],
    secret: str | Ed25519PrivateKey,
    now: datetime,
    *,
    api_key: str | None = None,
    nonce: str | None = None,
) -> dict[str, Any]:
    """The event of a request that its caller has signed, with the key that is derived from a secret
    or with another one. The API key is that of the token.
    """
    headers = {"Authorization": TOKEN} | event["headers"]
    query = event["multiValueQueryStringParameters"] or {}
    message = SignedMessage(
        event["httpMethod"],
        event["path"],
        [(name, value) for name, values in query.items() for value in values],
        [*headers.items()],
    )
    body = (event["body"] or "").encode()
    key = api_key or event["requestContext"]["authorizer"]["api_key"]
    signer = signer_of(secret) if isinstance(secret, str) else secret
    added = sign(message, body, key, signer, now, nonce or uuid4().hex)
    return with_headers(event, headers | dict(added))


def with_headers(event: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """The same request with these headers and no others."""
    return {
        **event,
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }


def signed_log_in(
    event: Mapping[str, Any], pem: str, now: datetime, api_key: str, *, nonce: str | None = None
) -> dict[str, Any]:
    """The event of a log-in that is signed with the private half of a registered key."""
    message = SignedMessage(event["httpMethod"], event["path"], [], [*event["headers"].items()])
    body = (event["body"] or "").encode()
    added = sign(message, body, api_key, read_private_key(pem), now, nonce or uuid4().hex)
    return with_headers(event, event["headers"] | dict(added))
