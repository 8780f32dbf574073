"""Which secrets of an API key are valid when, and what may verify a signature."""

from datetime import timedelta

import pytest

from tests.fakes.builders import NOW, make_secret
from trading.domain.clients.credentials import Credential, CredentialStatus, DerivedKeyError

UNTIL = NOW + timedelta(hours=1)
CREDENTIAL = Credential(
    api_key="key",
    client_id="alice",
    secrets=(make_secret("first"),),
    permissions=("orders:read",),
)
SECOND, THIRD, LOST = (make_secret(name) for name in ("second", "third", "lost"))


def test_only_the_previous_secret_stays_valid_and_only_for_its_grace_time() -> None:
    rotated = CREDENTIAL.rotated(SECOND, "r-1", UNTIL, NOW)
    assert rotated.valid_hashes(NOW) == ("second", "first")
    assert rotated.valid_hashes(UNTIL - timedelta(microseconds=1)) == ("second", "first")
    assert rotated.valid_hashes(UNTIL) == ("second",)
    assert rotated.rotated(THIRD, "r-2", UNTIL, NOW).valid_hashes(NOW) == ("third", "second")


def test_replacing_a_lost_secret_keeps_the_grace_time_of_the_one_in_use() -> None:
    replaced = CREDENTIAL.rotated(LOST, "r-1", UNTIL, NOW).reissued(THIRD, "r-2", NOW)
    assert replaced.valid_hashes(NOW) == ("third", "first")
    assert replaced.valid_hashes(UNTIL) == ("third",)
    assert replaced.rotation == "r-2"
    assert CREDENTIAL.reissued(SECOND, "r-1", NOW).valid_hashes(NOW) == ("second",), (
        "the replaced secret must not be valid"
    )


def test_a_signature_is_valid_as_long_as_its_secret() -> None:
    rotated = CREDENTIAL.rotated(SECOND, "r-1", UNTIL, NOW)
    assert rotated.valid_public_keys(NOW) == ("key of second", "key of first")
    assert rotated.valid_public_keys(UNTIL) == ("key of second",)


def test_nothing_verifies_a_signature_of_a_disabled_key() -> None:
    disabled = CREDENTIAL.with_status(CredentialStatus.INACTIVE)
    assert disabled.valid_public_keys(NOW) == ()
    assert disabled.with_status(CredentialStatus.ACTIVE).valid_public_keys(NOW) == ("key of first",)


def test_a_registered_key_verifies_beside_those_of_the_secrets_and_ends_the_tokens() -> None:
    registered = CREDENTIAL.rotated(SECOND, "r-1", UNTIL, NOW).with_public_key("one")
    assert (registered.public_key, registered.generation) == ("one", 1)
    assert registered.valid_public_keys(NOW) == ("key of second", "key of first", "one")
    assert registered.valid_public_keys(UNTIL) == ("key of second", "one")
    assert registered.with_status(CredentialStatus.INACTIVE).valid_public_keys(NOW) == ()
    replaced = registered.with_public_key("two")
    assert (replaced.generation, replaced.valid_public_keys(UNTIL)) == (2, ("key of second", "two"))
    removed = replaced.with_public_key(None)
    assert (removed.generation, removed.valid_public_keys(UNTIL)) == (3, ("key of second",))


def test_a_registered_key_and_the_secrets_change_apart_from_each_other() -> None:
    registered = CREDENTIAL.with_public_key("one")
    assert registered.secrets == CREDENTIAL.secrets
    rotated = registered.rotated(SECOND, "r-1", NOW, NOW)
    assert (rotated.public_key, rotated.generation) == ("one", 2)
    assert rotated.reissued(THIRD, "r-2", NOW).public_key == "one"


def test_a_key_that_is_derived_from_a_secret_is_not_registered() -> None:
    """Its signature would show nothing more than the secret, which a log-in has shown."""
    rotated = CREDENTIAL.rotated(SECOND, "r-1", UNTIL, NOW)
    for derived in ("key of first", "key of second"):
        with pytest.raises(DerivedKeyError):
            rotated.with_public_key(derived)
