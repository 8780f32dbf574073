"""Which secrets of an API key are valid when, and what may verify a signature."""

from datetime import timedelta

from tests.fakes.builders import NOW, make_secret
from trading.domain.clients.credentials import Credential, CredentialStatus

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
