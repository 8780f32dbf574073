"""The signature on requests between the broker and a venue: HMAC-SHA256 over everything that the
receiver reads.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

REPLAY_WINDOW_SECONDS = 300
SIGNED_HEADERS = (
    "content-encoding",
    "content-type",
    "idempotency-key",
    "x-correlation-id",
    "x-key-id",
)
"""The headers that a receiver may read, besides the time and the signature itself. A header that is
not sent is signed as an empty one, so nobody can add it on the way.
"""
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)


class SignatureError(Exception):
    """The signature is missing, wrong or out of date. The reason goes into the log, not to the
    caller.
    """


def sign(
    secret: bytes,
    timestamp: int,
    method: str,
    target: str,
    body: bytes,
    headers: Mapping[str, str],
) -> str:
    """Hex HMAC-SHA256 over these parts, with a newline after each but the last:
    time, METHOD, path, query, a `name:value` for each of SIGNED_HEADERS, body.

    `target` is the path with its query, without host and stage. The query is signed in the order of
    its names and values. Names of `headers` are in lower case.
    """
    path, _, query = target.partition("?")
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    parts = [str(timestamp), method.upper(), path, urlencode(pairs)]
    parts += [f"{name}:{headers.get(name, '').strip()}" for name in SIGNED_HEADERS]
    payload = "\n".join(parts).encode() + b"\n" + body
    return hmac.new(secret, payload, hashlib.sha256).hexdigest()


def signed_headers(
    key_id: str,
    secret: bytes,
    timestamp: int,
    method: str,
    target: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The `headers` of a request, and those that carry the signature over them."""
    sent = {**(headers or {}), "X-Key-Id": key_id}
    covered = {name.lower(): value for name, value in sent.items()}
    return {
        **sent,
        "X-Timestamp": str(timestamp),
        "X-Signature": sign(secret, timestamp, method, target, body, covered),
    }


def received(event: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The headers, by name in lower case, and the target of an API Gateway proxy event.

    Raises SignatureError if a signed header came twice: readers could disagree which one counts.
    """
    headers: dict[str, str] = {}
    several = event.get("multiValueHeaders") or {}
    sent = {name: [value] for name, value in (event.get("headers") or {}).items()}
    for name, values in (sent | several).items():
        lowered = name.lower()
        if (lowered in headers or len(values) > 1) and lowered in _READ:
            raise SignatureError(f"more than one header {lowered}")
        headers[lowered] = values[-1]
    path: str = event["path"]
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    return headers, f"{path}?{urlencode(query, doseq=True)}" if query else path


def verify(
    headers: Mapping[str, str],
    secrets: Iterable[bytes],
    now: int,
    method: str,
    target: str,
    body: bytes,
) -> None:
    """Raise SignatureError unless one of the secrets signed this very request within the replay
    window. Header names are in lower case.
    """
    timestamp, signature = headers.get("x-timestamp", ""), headers.get("x-signature", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        raise SignatureError("missing or malformed signature header")
    if abs(now - int(timestamp)) > REPLAY_WINDOW_SECONDS:
        raise SignatureError("timestamp outside the replay window")
    if "\n" in target or any("\n" in headers.get(name, "") for name in SIGNED_HEADERS):
        raise SignatureError("a signed part has a line break")
    expected = [sign(secret, int(timestamp), method, target, body, headers) for secret in secrets]
    if not any(hmac.compare_digest(signature, candidate) for candidate in expected):
        raise SignatureError("signature does not match")


_READ = {*SIGNED_HEADERS, "x-timestamp", "x-signature"}
