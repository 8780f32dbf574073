import hashlib
import hmac
from typing import Any

import pytest

from trading.adapters.venues.signatures import (
    SIGNED_HEADERS,
    SignatureError,
    received,
    signed_headers,
    verify,
)

SECRET = b"s" * 32
NOW = 1_700_000_000
PATH = "/api/v1/exchange/callbacks"
SENT = {
    "Content-Type": "application/json",
    "Idempotency-Key": "XNYS:exec-1",
    "X-Correlation-Id": "corr-1",
}


def headers(
    secret: bytes = SECRET,
    timestamp: int = NOW,
    target: str = PATH,
    body: bytes = b"{}",
    sent: dict[str, str] | None = None,
) -> dict[str, str]:
    signed = signed_headers("XNYS", secret, timestamp, "POST", target, body, sent)
    return {name.lower(): value for name, value in signed.items()}


def check(
    sent: dict[str, str],
    *,
    now: int = NOW,
    target: str = PATH,
    body: bytes = b"{}",
    method: str = "POST",
) -> None:
    verify(sent, [b"new" * 11, SECRET], now, method, target, body)


def test_the_signature_has_the_documented_format() -> None:
    signed = "\n".join(
        [
            str(NOW),
            "POST",
            PATH,
            "a=1&b=2",
            "content-encoding:",
            "content-type:application/json",
            "idempotency-key:XNYS:exec-1",
            "x-correlation-id:corr-1",
            "x-key-id:XNYS",
            "{}",
        ]
    )
    expected = hmac.new(SECRET, signed.encode(), hashlib.sha256).hexdigest()
    assert headers(target=f"{PATH}?b=2&a=1", sent=SENT) == {
        "content-type": "application/json",
        "idempotency-key": "XNYS:exec-1",
        "x-correlation-id": "corr-1",
        "x-key-id": "XNYS",
        "x-timestamp": str(NOW),
        "x-signature": expected,
    }


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
        check(sent, target=PATH + "/")
    with pytest.raises(SignatureError):
        check(sent, method="PUT")
    with pytest.raises(SignatureError):
        check(sent | {"x-timestamp": str(NOW + 1)})
    with pytest.raises(SignatureError):
        check(headers(b"other" * 7))


@pytest.mark.parametrize("name", SIGNED_HEADERS)
@pytest.mark.parametrize("present", [False, True])
def test_a_signed_header_is_neither_added_nor_changed_nor_left_out(
    name: str, present: bool
) -> None:
    sent = headers(sent={name: "as signed"} if present else {})
    check(sent)
    with pytest.raises(SignatureError):
        check(sent | {name: "changed"})
    if present:
        with pytest.raises(SignatureError):
            check({other: value for other, value in sent.items() if other != name})


@pytest.mark.parametrize(
    "changed", [PATH, f"{PATH}?a=1", f"{PATH}?a=1&b=3", f"{PATH}?a=1&b=2&c=", f"{PATH}?a=1&b=2&b=2"]
)
def test_a_query_is_neither_added_nor_changed_nor_left_out(changed: str) -> None:
    sent = headers(target=f"{PATH}?a=1&b=2")
    check(sent, target=f"{PATH}?b=2&a=1")
    with pytest.raises(SignatureError):
        check(sent, target=changed)


def test_a_line_break_does_not_move_one_part_into_another() -> None:
    sent = headers(target=f"{PATH}\na=1")
    with pytest.raises(SignatureError, match="line break"):
        check(sent, target=f"{PATH}\na=1")


@pytest.mark.parametrize(
    "broken",
    [
        {"x-timestamp": "soon"},
        {"x-timestamp": f" {NOW}"},
        {"x-timestamp": "1_700_000_000"},
        {"x-timestamp": f"+{NOW}"},
        {"x-timestamp": f"{NOW}.0"},
        {"x-timestamp": "".join(chr(0x660 + int(digit)) for digit in str(NOW))},
        {"x-timestamp": "9" * 5000},
        {"x-signature": ""},
        {"x-signature": "é"},
        {"x-signature": "0" * 63},
    ],
)
def test_malformed_headers_are_refused(broken: dict[str, str]) -> None:
    with pytest.raises(SignatureError, match="malformed"):
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


def event(**changes: Any) -> dict[str, Any]:
    return {"path": PATH, "headers": {"X-Key-Id": "XNYS"}, "multiValueHeaders": None} | changes


def test_the_signed_parts_of_an_event_are_its_headers_and_its_whole_query() -> None:
    several = {"multiValueQueryStringParameters": {"a": ["1 2", "3"], "b": [""]}}
    assert received(event(**several)) == ({"x-key-id": "XNYS"}, f"{PATH}?a=1+2&a=3&b=")
    single = {"queryStringParameters": {"a": "1&2"}, "multiValueQueryStringParameters": None}
    assert received(event(**single)) == ({"x-key-id": "XNYS"}, f"{PATH}?a=1%262")
    assert received(event())[1] == PATH


@pytest.mark.parametrize("name", [*SIGNED_HEADERS, "x-timestamp", "x-signature"])
def test_a_header_that_counts_may_come_only_once(name: str) -> None:
    with pytest.raises(SignatureError, match="more than one"):
        received(event(multiValueHeaders={name.title(): ["a", "b"]}))
    with pytest.raises(SignatureError, match="more than one"):
        received(event(headers={}, multiValueHeaders={name: ["a"], name.upper(): ["b"]}))
    received(event(multiValueHeaders={"Accept": ["a", "b"]}))
