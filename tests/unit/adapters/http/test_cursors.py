"""A cursor decodes to what was encoded. Every other text is refused."""

import base64
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.adapters.http import cursors
from trading.adapters.http.problems import HttpError


@given(st.lists(st.text(max_size=40), max_size=4))
def test_a_cursor_decodes_to_its_sort_key(place: list[str]) -> None:
    assert cursors.decode(cursors.encode(*place), len(place)) == place


def test_an_empty_cursor_is_refused_with_the_way_to_the_first_page() -> None:
    with pytest.raises(HttpError, match="leave it out for the first page") as refused:
        cursors.decode("", 3)
    assert (refused.value.status, refused.value.code) == (HTTPStatus.BAD_REQUEST, "INVALID_CURSOR")


@given(st.text(max_size=cursors.MAX_CURSOR))
def test_an_invented_cursor_is_refused(text: str) -> None:
    with pytest.raises(HttpError) as refused:
        cursors.decode(text, 9)
    assert (refused.value.status, refused.value.code) == (HTTPStatus.BAD_REQUEST, "INVALID_CURSOR")
    assert refused.value.errors[0].field == "cursor"


@pytest.mark.parametrize(
    "content", ["[]", '["a","b"]', "[1]", '"a"', "{", "[[]]", "null", "[" * 300]
)
def test_a_sort_key_of_another_form_is_refused(content: str) -> None:
    with pytest.raises(HttpError, match="cursor"):
        cursors.decode(base64.urlsafe_b64encode(content.encode()).decode(), 1)
