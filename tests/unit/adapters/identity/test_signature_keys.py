"""Keys in PEM: which ones are read, and that all others are refused in the same way."""

import shutil
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from trading.adapters.identity.signature_keys import (
    SMALL_ORDER,
    new_key_pair,
    public_key_of,
    read_private_key,
    read_public_key,
    signer_of,
    stored_key,
    verifier_of,
)

RFC_PUBLIC = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
"""
RFC_PRIVATE = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
"""RFC 9421, B.1.4."""
RFC_STORED = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
OTHERS = {
    "RSA": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "EC": ec.generate_private_key(ec.SECP256R1()),
    "X25519": x25519.X25519PrivateKey.generate(),
    "Ed448": ed448.Ed448PrivateKey.generate(),
}
"""Keys of other algorithms."""
GARBAGE = (
    "",
    "garbage",
    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    RFC_PUBLIC.replace("MCow", "MCox"),
    RFC_PRIVATE.replace("MC4C", "MC5C"),
    RFC_PUBLIC.replace("-----END PUBLIC KEY-----", ""),
    RFC_STORED,
    "\u0661\x00\U0001f511",
)


def private_pem(key: object) -> str:
    written: bytes = key.private_bytes(  # type: ignore[attr-defined]
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return written.decode()


def public_pem(key: object) -> str:
    written: bytes = key.public_key().public_bytes(  # type: ignore[attr-defined]
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return written.decode()


def test_the_keys_of_the_rfc_are_read_and_belong_together() -> None:
    assert read_public_key(RFC_PUBLIC) == RFC_STORED
    assert stored_key(read_private_key(RFC_PRIVATE).public_key()) == RFC_STORED
    assert read_public_key(f"\n{RFC_PUBLIC.strip()}\n\n") == RFC_STORED
    assert read_public_key(RFC_PUBLIC.replace("\n", "\r\n")) == RFC_STORED


def test_a_new_key_pair_is_new_and_belongs_together() -> None:
    pairs = [new_key_pair() for _ in range(2)]
    assert pairs[0] != pairs[1]
    for pem, stored in pairs:
        assert len(b64decode(stored, validate=True)) == 32
        signature = read_private_key(pem).sign(b"text")
        verifier_of(stored).verify(signature, b"text")


def test_what_is_derived_from_a_secret_is_stored_in_the_same_form() -> None:
    assert public_key_of("a secret") == stored_key(signer_of("a secret").public_key())


@pytest.mark.parametrize("name", OTHERS)
def test_a_key_of_another_algorithm_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        read_public_key(public_pem(OTHERS[name]))
    with pytest.raises(ValueError, match="Ed25519"):
        read_private_key(private_pem(OTHERS[name]))


@pytest.mark.parametrize("text", GARBAGE)
def test_what_is_no_key_is_refused(text: str) -> None:
    for read in (read_public_key, read_private_key):
        with pytest.raises(ValueError, match=r"."):
            read(text)


def test_one_half_of_a_pair_is_not_taken_for_the_other() -> None:
    """A private key that somebody registers by mistake is not stored."""
    with pytest.raises(ValueError, match=r"."):
        read_public_key(RFC_PRIVATE)
    with pytest.raises(ValueError, match=r"."):
        read_private_key(RFC_PUBLIC)


def test_a_private_key_with_a_passphrase_is_refused() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    protected = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a passphrase")
    )
    with pytest.raises(ValueError, match=r"(?i)password|encrypted"):
        read_private_key(protected.decode())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_key_pair_of_the_documented_commands_is_read(tmp_path: Path) -> None:
    private, public = tmp_path / "program.pem", tmp_path / "program.pub.pem"
    for command in (
        ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(private)],
        ["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)],
    ):
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    key = read_private_key(private.read_text())
    assert read_public_key(public.read_text()) == stored_key(key.public_key())


def point(y: int) -> tuple[int, int]:
    """A point of the curve with this y (RFC 8032, 5.1.3)."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - square) % P == 0
    return x, y


def double(x: int, y: int) -> tuple[int, int]:
    product = D * x * x * y * y % P
    return (
        2 * x * y * pow(1 + product, -1, P) % P,
        (y * y + x * x) * pow(1 - product, -1, P) % P,
    )


P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def test_the_points_of_small_order_are_neutral_after_three_doublings() -> None:
    """The curve has eight points whose order divides 8. Those with one y differ in the sign of
    x, and two have the x 0.
    """
    points = [point(y) for y in SMALL_ORDER]
    assert sum(1 if x == 0 else 2 for x, _ in points) == 8
    assert {double(*double(*double(*each))) for each in points} == {(0, 1)}


@pytest.mark.parametrize("y", [*SMALL_ORDER, P, P + 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_key_of_small_order_is_refused(y: int, sign: int) -> None:
    """Under it, a signature by nobody fits. P and P + 1 are other spellings of 0 and 1."""
    raw = (y | sign << 255).to_bytes(32, "little")
    der = bytes.fromhex("302a300506032b6570032100") + raw
    pem = f"-----BEGIN PUBLIC KEY-----\n{b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"
    with pytest.raises(ValueError, match="Ed25519"):
        read_public_key(pem)


def test_exactly_one_key_is_read_and_nothing_before_it() -> None:
    for text in (RFC_PUBLIC * 2, f"a comment\n{RFC_PUBLIC}", f"\x00{RFC_PUBLIC}"):
        with pytest.raises(ValueError, match="not one public key of Ed25519 in PEM"):
            read_public_key(text)
