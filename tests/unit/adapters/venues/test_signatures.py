import hashlib
import hmac

import pytest

from trading.adapters.venues.signatures import SignatureError, signed_headers, verify

SECRET = b"s" * 32
NOW = 1_700_000_000
PATH = "/api/v1/exchange/callbacks"


def headers(
    secret: bytes = SECRET, timestamp: int = NOW, path: str = PATH, body: bytes = b"{}"
) -> dict[str, str]:
    signed = signed_headers("NYSE", secret, timestamp, "POST", path, body)
    return {name.lower(): value for name, value in signed.items()}


def check(
    sent: dict[str, str],
    *,
    now: int = NOW,
    path: str = PATH,
    body: bytes = b"{}",
    method: str = "POST",
) -> None:
    verify(sent, [b"new" * 11, SECRET], now, method, path, body)


def test_the_signed_headers_have_the_documented_format() -> None:
    expected = hmac.new(SECRET, f"{NOW}\nPOST\n{PATH}\n{{}}".encode(), hashlib.sha256).hexdigest()
    assert headers() == {"x-key-id": "NYSE", "x-timestamp": str(NOW), "x-signature": expected}


@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_a_signature_with_either_secret_is_valid_within_the_replay_window(skew: int) -> None:
    check(headers(), now=NOW + skew)
    check(headers(b"new" * 11), now=NOW + skew)


@pytest.mark.parametrize("skew", [-301, 301])
def test_a_signature_outside_the_replay_window_is_refused(skew: int) -> None:
    with pytest.raises(SignatureError, match="replay window"):
        check(headers(), now=NOW + skew)


def test_a_change_of_any_signed_part_is_refused() -> None:
    sent = headers()
    with pytest.raises(SignatureError):
        check(sent, body=b"{ }")
    with pytest.raises(SignatureError):
        check(sent, path=PATH + "/")
    with pytest.raises(SignatureError):
        check(sent, method="PUT")
    with pytest.raises(SignatureError):
        check(sent | {"x-timestamp": str(NOW + 1)})
    with pytest.raises(SignatureError):
        check(headers(b"other" * 7))


@pytest.mark.parametrize(
    "broken", [{"x-timestamp": "soon"}, {"x-signature": ""}, {"x-signature": "é"}]
)
def test_malformed_headers_are_refused(broken: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        check(headers() | broken)


@pytest.mark.parametrize("missing", ["x-timestamp", "x-signature"])
def test_missing_headers_are_refused(missing: str) -> None:
    sent = headers()
    del sent[missing]
    with pytest.raises(SignatureError):
        check(sent)


def test_no_request_passes_without_a_known_secret() -> None:
    with pytest.raises(SignatureError):
        verify(headers(), [], NOW, "POST", PATH, b"{}")
