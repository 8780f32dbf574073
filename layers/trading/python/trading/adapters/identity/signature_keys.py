"""The keys that sign requests: Ed25519 key pairs (RFC 8032), derived from API secrets.

This module imports `cryptography`, which takes long. Import it only where a key is needed.
"""

from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SALT = b"lambda-trading"
INFO = b"request signature v1, ed25519"
"""The purpose of the key. Another purpose, or another algorithm, gets another text."""
SEED_BYTES = 32


def signer_of(secret: str) -> Ed25519PrivateKey:
    """The key that signs with an API secret: its seed is HKDF-SHA256 (RFC 5869) of the secret."""
    derive = HKDF(SHA256(), SEED_BYTES, SALT, INFO)
    return Ed25519PrivateKey.from_private_bytes(derive.derive(secret.encode()))


def public_key_of(secret: str) -> str:
    """The public key that belongs to an API secret: 32 bytes, in base64."""
    return b64encode(signer_of(secret).public_key().public_bytes_raw()).decode()


def verifier_of(text: str) -> Ed25519PublicKey:
    """A public key as it is stored. Raises ValueError for any other text."""
    return Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))
