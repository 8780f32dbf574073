"""Codes: those of RFC 6238, around the present moment, from a key of KMS."""

from base64 import b32decode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from tests.fakes.mac_service import MacStore
from trading.adapters.identity.codes import DerivedCodes, provisioning_uri
from trading.domain.clients.second_factor import (
    RECOVERY_CODES,
    CodesUnavailableError,
    is_recovery_code,
)

NOW = datetime(2026, 11, 23, 15, 0, 7, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""`12345678901234567890` in base32: the secret of RFC 6238, appendix B."""


@pytest.fixture
def codes() -> DerivedCodes:
    return DerivedCodes(MacStore(), "second-factors-1")


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_are_those_of_rfc_6238(
    codes: DerivedCodes, monkeypatch: pytest.MonkeyPatch, seconds: int, code: str
) -> None:
    """Appendix B has eight digits. The last six of them are the code of six digits."""
    monkeypatch.setattr(DerivedCodes, "secret", lambda *_: RFC_SECRET)
    assert codes.step_of("one", code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@pytest.mark.parametrize("apart", [-3, -2, -1, 0, 1, 2, 3])
def test_the_codes_just_before_and_after_are_valid(codes: DerivedCodes, apart: int) -> None:
    code = pyotp.TOTP(codes.secret("one")).generate_otp(STEP + apart)
    assert codes.step_of("one", code, NOW) == (STEP + apart if abs(apart) <= 1 else None)
    later = NOW + timedelta(seconds=30)
    assert codes.step_of("one", code, later) == (STEP + apart if -1 <= apart - 1 <= 1 else None)


def test_each_enrolment_has_a_secret_and_recovery_codes_of_its_own(codes: DerivedCodes) -> None:
    assert codes.secret("one") == codes.secret("one") != codes.secret("two")
    assert len(b32decode(codes.secret("one"))) == 20
    first, second = codes.recovery_codes("one"), codes.recovery_codes("two")
    assert len({*first, *second}) == 2 * RECOVERY_CODES
    assert all(is_recovery_code(code) for code in first)
    assert codes.secret("one").lower()[:4] not in {code[:4] for code in first}
    other_key = DerivedCodes(MacStore(), "another")
    assert other_key.secret("one") != codes.secret("one")


def test_a_recovery_code_is_found_by_its_place(codes: DerivedCodes) -> None:
    for place, code in enumerate(codes.recovery_codes("one")):
        assert codes.place_of("one", code) == place
        assert codes.place_of("two", code) is None


@pytest.mark.parametrize("failure", ["down", "AccessDeniedException", "DisabledException"])
def test_without_an_answer_of_kms_a_code_is_neither_right_nor_wrong(failure: str) -> None:
    store = MacStore()
    store.down = failure == "down"
    store.refusals = {"second-factors-1": failure}
    codes = DerivedCodes(store, "second-factors-1")
    with pytest.raises(CodesUnavailableError) as refused:
        codes.step_of("one", "123456", NOW)
    assert refused.value.retry_after_seconds == 1
    with pytest.raises(CodesUnavailableError):
        codes.place_of("one", "abcd-abcd-abcd-abcd")


def test_an_authenticator_reads_the_uri(codes: DerivedCodes) -> None:
    uri = provisioning_uri("trading-dev", "alice", codes.secret("one"))
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == "/trading-dev:alice"
    assert parse_qs(parts.query) == {"secret": [codes.secret("one")], "issuer": ["trading-dev"]}
    authenticator = pyotp.parse_uri(uri)
    assert isinstance(authenticator, pyotp.TOTP)
    assert codes.step_of("one", authenticator.at(NOW), NOW) == STEP
