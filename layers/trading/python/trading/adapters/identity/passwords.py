"""API secrets: generated here. What is stored of them is a scrypt hash, and the public key that
verifies what is signed with them.

Secrets are 256-bit random tokens, not passwords that people choose. So scrypt's parameters for
interactive log-ins are strong enough.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from trading.domain.clients.credentials import MAX_SECRETS, StoredSecret

_N, _R, _P = 2**14, 8, 1
_SALT_BYTES = 16
_HASH_BYTES = 32


def generate_secret() -> str:
    """A new API secret: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def generate_key_for(client_id: str) -> str:
    """A new API key of a client: 128 random bits after the client's id."""
    return f"{client_id}_{secrets.token_hex(16)}"


def new_secret() -> tuple[str, StoredSecret]:
    """A new API secret, and what is stored of it."""
    secret = generate_secret()
    return secret, stored(secret)


def stored(secret: str) -> StoredSecret:
    """What is stored of a secret."""
    # Most functions that check passwords make no keys, and start faster without this import.
    from trading.adapters.identity.signature_keys import public_key_of

    return StoredSecret(hash=hash_secret(secret), public_key=public_key_of(secret))


def hash_secret(secret: str) -> str:
    """`scrypt$n$r$p$salt$hash`, with a new random salt."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return _encode(_N, _R, _P, salt, _scrypt(secret, salt, _N, _R, _P))


def matches(secret: str, hashes: Sequence[str]) -> bool:
    """Whether the secret has one of the hashes.

    There are at most two hashes: after a rotation, the new one and the previous one. The work is
    the same for any number of hashes, with and without a match. So the time reveals nothing.
    """
    if len(hashes) > MAX_SECRETS:
        raise ValueError(f"a credential has at most {MAX_SECRETS} hashes")
    found = False
    for record in [*hashes, *[_DUMMY] * (MAX_SECRETS - len(hashes))]:
        found |= _matches_one(secret, record)
    return found


def _matches_one(secret: str, record: str) -> bool:
    scheme, n, r, p, salt, expected = record.split("$")
    if scheme != "scrypt":
        raise ValueError("unknown hash scheme")
    actual = _scrypt(secret, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(actual, base64.b64decode(expected))


def _scrypt(secret: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    memory = 128 * r * (n + p + 2)  # RFC 7914, and the limit that OpenSSL needs
    return hashlib.scrypt(
        secret.encode(), salt=salt, n=n, r=r, p=p, maxmem=2 * memory, dklen=_HASH_BYTES
    )


def _encode(n: int, r: int, p: int, salt: bytes, digest: bytes) -> str:
    return (
        f"scrypt${n}${r}${p}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
    )


# Nobody knows a secret that hashes to zeros: costs what a real record costs, never matches.
_DUMMY = _encode(_N, _R, _P, bytes(_SALT_BYTES), bytes(_HASH_BYTES))
