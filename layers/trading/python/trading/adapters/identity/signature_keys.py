"""The keys that sign requests: key pairs of Ed25519 (RFC 8032), derived from API secrets or
registered.

This module imports `cryptography`, which takes long. Import it only where a key is needed.
"""

from base64 import b64decode, b64encode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

SALT = b"lambda-trading"
INFO = b"request signature v1, ed25519"
"""The purpose of the key. Another purpose, or another algorithm, gets another text."""
SEED_BYTES = 32
PUBLIC_PEM = "-----BEGIN PUBLIC KEY-----"
NOT_A_PUBLIC_KEY = "not one public key of Ed25519 in PEM"
P = 2**255 - 19
"""The prime of the field that the curve is over (RFC 8032, 5.1)."""
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_ORDER = {0, 1, P - 1, ORDER_8, P - ORDER_8}
"""The y of the eight points whose order divides 8, the curve's cofactor."""


def signer_of(secret: str) -> Ed25519PrivateKey:
    """The key that signs with an API secret: its seed is HKDF-SHA256 (RFC 5869) of the secret."""
    derive = HKDF(SHA256(), SEED_BYTES, SALT, INFO)
    return Ed25519PrivateKey.from_private_bytes(derive.derive(secret.encode()))


def public_key_of(secret: str) -> str:
    """The public key that belongs to an API secret, as it is stored."""
    return stored_key(signer_of(secret).public_key())


def stored_key(key: Ed25519PublicKey) -> str:
    """A public key as it is stored: 32 bytes, in base64."""
    return b64encode(key.public_bytes_raw()).decode()


def read_public_key(pem: str) -> str:
    """A public key in PEM as it is stored. Raises ValueError unless it is one of Ed25519, alone.

    Also raises for a key of small order, under which anybody can make a signature that fits.
    """
    if not pem.lstrip().startswith(PUBLIC_PEM) or pem.count("-----BEGIN") != 1:
        raise ValueError(NOT_A_PUBLIC_KEY)
    try:
        key = load_pem_public_key(pem.encode())
    except (UnsupportedAlgorithm, ValueError) as error:
        raise ValueError(NOT_A_PUBLIC_KEY) from error
    if not isinstance(key, Ed25519PublicKey) or _is_of_small_order(key.public_bytes_raw()):
        raise ValueError(NOT_A_PUBLIC_KEY)
    return stored_key(key)


def _is_of_small_order(key: bytes) -> bool:
    """The last bit is the sign of x. The rest is y, in little-endian order."""
    y = int.from_bytes(key, "little") & ((1 << 255) - 1)
    return y % P in SMALL_ORDER


def read_private_key(pem: str) -> Ed25519PrivateKey:
    """A private key in PEM, without a passphrase. Raises ValueError unless it is one of Ed25519."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not a key of Ed25519")
    return key


def new_key_pair() -> tuple[str, str]:
    """A new private key in PEM, and its public key as it is stored."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode(), stored_key(key.public_key())


def verifier_of(text: str) -> Ed25519PublicKey:
    """A public key as it is stored. Raises ValueError for any other text."""
    return Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))
