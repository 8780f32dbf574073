"""The rules for signed requests."""

from datetime import timedelta
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import NOW
from trading.domain.clients.signed_requests import (
    SignatureError,
    SignedMessage,
    check_nonce,
    check_times,
    path_of,
    query_of,
)

CREATED = int(NOW.timestamp())


@pytest.mark.parametrize("seconds", [-30, 0, 300])
def test_a_signature_may_be_five_minutes_old_and_thirty_seconds_ahead(seconds: int) -> None:
    check_times(CREATED, None, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(301, "too old: 301 s"), (86_400, "too old"), (-31, "31 s in the future")],
)
def test_any_other_age_is_refused_with_the_difference(seconds: int, told: str) -> None:
    with pytest.raises(SignatureError, match=told):
        check_times(CREATED, None, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("created", [None, "1618884473", 1618884473.5])
def test_a_signature_needs_a_time_of_creation(created: object) -> None:
    with pytest.raises(SignatureError, match="created"):
        check_times(created, None, NOW)


def test_the_caller_may_set_an_earlier_end() -> None:
    check_times(CREATED, CREATED + 60, NOW + timedelta(seconds=59))
    for expires in (CREATED + 60, CREATED, "soon"):
        with pytest.raises(SignatureError, match="expire"):
            check_times(CREATED, expires, NOW + timedelta(seconds=60))


@pytest.mark.parametrize("nonce", ["a" * 16, "A-z0.9_~:+/=" * 5, "f" * 64])
def test_a_nonce_has_16_to_64_characters(nonce: str) -> None:
    assert check_nonce(nonce) == nonce


@pytest.mark.parametrize("nonce", [None, 4711, "", "a" * 15, "a" * 65, "a#" * 10, "ä" * 20])
def test_any_other_nonce_is_refused(nonce: object) -> None:
    with pytest.raises(SignatureError, match="nonce"):
        check_nonce(nonce)


def test_a_query_is_signed_in_one_form_whatever_its_order() -> None:
    query = [("symbol", "KO"), ("side", "buy"), ("a b", "x/y:z~"), ("side", "sell")]
    assert query_of(query) == "a%20b=x%2Fy%3Az~&side=buy&side=sell&symbol=KO"
    assert query_of(reversed(query)) == query_of(query)
    assert query_of([]) == ""


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_two_queries_have_one_form_only_if_they_have_the_same_parameters(
    query: list[tuple[str, str]],
) -> None:
    assert parse_qsl(query_of(query), keep_blank_values=True) == sorted(query)


@given(st.text())
def test_a_path_is_signed_in_one_form_whatever_was_escaped(path: str) -> None:
    assert unquote(path_of(path)) == unquote(path)
    assert path_of(path_of(path)) == path_of(path)


def test_the_target_has_a_question_mark_only_with_a_query() -> None:
    assert SignedMessage("DELETE", "/api/v1/orders:x", [], []).target == "/api/v1/orders:x"
    assert SignedMessage("DELETE", "/o", [("b", "2"), ("a", "1")], []).target == "/o?a=1&b=2"
