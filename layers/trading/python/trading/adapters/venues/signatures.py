"""The signature on requests between the broker and a venue: HMAC-SHA256 over time, method, path and
body.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

REPLAY_WINDOW_SECONDS = 300


class SignatureError(Exception):
    """The signature is missing, wrong or out of date. The reason goes into the log, not to the
    caller.
    """


def sign(secret: bytes, timestamp: int, method: str, path: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over `timestamp \\n METHOD \\n path \\n body`. `path` includes the query, but
    not the host and the stage.
    """
    payload = f"{timestamp}\n{method.upper()}\n{path}\n".encode() + body
    return hmac.new(secret, payload, hashlib.sha256).hexdigest()


def signed_headers(
    key_id: str, secret: bytes, timestamp: int, method: str, path: str, body: bytes
) -> dict[str, str]:
    """The headers that carry the signature."""
    return {
        "X-Key-Id": key_id,
        "X-Timestamp": str(timestamp),
        "X-Signature": sign(secret, timestamp, method, path, body),
    }


def verify(
    headers: Mapping[str, str],
    secrets: Iterable[bytes],
    now: int,
    method: str,
    path: str,
    body: bytes,
) -> None:
    """Raise SignatureError unless one of the secrets signed this very request within the replay
    window. Header names are in lower case.
    """
    try:
        timestamp = int(headers["x-timestamp"])
        signature = headers["x-signature"]
    except (KeyError, ValueError) as error:
        raise SignatureError(f"missing or malformed signature header: {error}") from error
    if abs(now - timestamp) > REPLAY_WINDOW_SECONDS:
        raise SignatureError("timestamp outside the replay window")
    expected = [sign(secret, timestamp, method, path, body) for secret in secrets]
    if not any(
        hmac.compare_digest(signature.encode(), candidate.encode()) for candidate in expected
    ):
        raise SignatureError("signature does not match")
