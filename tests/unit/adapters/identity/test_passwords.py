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


def test_no_two_secrets_or_salts_are_the_same() -> None:
    assert len(passwords.generate_secret()) >= 43
    assert passwords.generate_secret() != passwords.generate_secret()
    assert passwords.hash_secret("s") != passwords.hash_secret("s")


def test_the_new_and_the_previous_secret_match_during_rotation() -> None:
    records = [passwords.hash_secret("new"), passwords.hash_secret("old")]
    assert passwords.matches("new", records)
    assert passwords.matches("old", records)
    assert not passwords.matches("older", records)


def test_a_secret_is_hashed_with_the_parameters_of_its_record() -> None:
    salt, digest = (
        "AAAAAAAAAAAAAAAAAAAAAA==",
        hashlib.scrypt(b"s", salt=bytes(16), n=1024, r=8, p=2, dklen=32),
    )
    record = f"scrypt$1024$8$2${salt}${base64.b64encode(digest).decode()}"
    assert passwords.matches("s", [record])
    assert not passwords.matches("t", [record])


@pytest.mark.parametrize("known", [0, 1, 2])
@pytest.mark.parametrize("guess", ["first", "second", "wrong"])
def test_an_unknown_key_costs_as_much_hashing_as_a_known_one(
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


def test_the_dummy_record_matches_no_secret() -> None:
    assert not passwords.matches("", [])
    assert not passwords.matches("guess", [])


def test_more_than_two_records_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 2"):
        passwords.matches("s", ["a", "b", "c"])
