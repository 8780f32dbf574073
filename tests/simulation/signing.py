"""How callers sign their requests, and the oracle's own table of what must be signed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trading.adapters.identity.request_signatures import sign
from trading.domain.clients.signed_requests import SignedMessage

ALWAYS_SIGNED = re.compile(
    r"/api/v1/(admin/clients/[^/]+/(withdrawals|secret-rotation|second-factor-reset|signing"
    r"|keys/[^/]+/public-key)"
    r"|admin/proposals/[^/]+/approval|settlement/[^/]+)"
)
SIGNATURE_CODES = ("INVALID_SIGNATURE", "SIGNATURE_REQUIRED")


def must_be_signed(api: str, method: str, path: str) -> bool:
    """Whether everybody must sign requests of a route."""
    return api == "internal" and method != "GET" and bool(ALWAYS_SIGNED.fullmatch(path))


def signed_headers(
    headers: Mapping[str, str],
    method: str,
    target: str,
    body: bytes,
    api_key: str,
    key: Ed25519PrivateKey,
    now: float,
    nonce: str,
) -> dict[str, str]:
    """The headers of a request, and those that carry its signature."""
    path, _, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    message = SignedMessage(method, path, pairs, [*headers.items()])
    created = datetime.fromtimestamp(now, UTC)
    return {**headers, **sign(message, body, api_key, key, created, nonce)}
