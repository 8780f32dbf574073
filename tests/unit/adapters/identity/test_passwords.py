import base64
import hashlib
from typing import Any

import pytest

from trading.adapters.identity import passwords


def test_a_secret_matches_its_hash_and_no_other() -> None:
    secret = passwords.generate_secret()
    record = passwords.hash_secret(secret)
    assert secret not in record
    assert passwords.matches(secret, [record])
    assert not passwords.matches(secret + "x", [record])
    assert not passwords.matches("", [record])


def test_secrets_and_salts_are_never_the_same_twice() -> None:
    assert len(passwords.generate_secret()) >= 43
    assert passwords.generate_secret() != passwords.generate_secret()
    assert passwords.hash_secret("s") != passwords.hash_secret("s")


def test_during_rotation_the_new_and_the_old_secret_match() -> None:
    records = [passwords.hash_secret("new"), passwords.hash_secret("old")]
    assert passwords.matches("new", records)
    assert passwords.matches("old", records)
    assert not passwords.matches("older", records)


def test_the_parameters_of_a_record_are_its_own() -> None:
    salt, digest = (
        "AAAAAAAAAAAAAAAAAAAAAA==",
        hashlib.scrypt(b"s", salt=bytes(16), n=1024, r=8, p=2, dklen=32),
    )
    record = f"scrypt$1024$8$2${salt}${base64.b64encode(digest).decode()}"
    assert passwords.matches("s", [record])
    assert not passwords.matches("t", [record])


@pytest.mark.parametrize("known", [0, 1, 2])
@pytest.mark.parametrize("guess", ["first", "second", "wrong"])
def test_the_work_is_the_same_for_unknown_and_known_keys(
    known: int, guess: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [passwords.hash_secret("first"), passwords.hash_secret("second")][:known]
    work: list[tuple[int, int, int]] = []
    scrypt = hashlib.scrypt

    def counted(password: bytes, **parameters: Any) -> bytes:
        work.append((parameters["n"], parameters["r"], parameters["p"]))
        return scrypt(password, **parameters)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    passwords.matches(guess, records)
    assert work == [(2**14, 8, 1)] * 2


def test_the_dummy_matches_nothing() -> None:
    assert not passwords.matches("", [])
    assert not passwords.matches("guess", [])


def test_more_hashes_than_rotation_needs_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 2"):
        passwords.matches("s", ["a", "b", "c"])
