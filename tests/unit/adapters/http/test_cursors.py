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


LISTED = cursors.ListCursors(("trades", "alice", None))


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4), st.data())
def test_a_list_takes_its_own_cursors_unchanged_only(place: list[str], data: st.DataObject) -> None:
    cursor = LISTED.encode(*place)
    assert LISTED.decode(cursor, len(place)) == place
    changed = data.draw(st.integers(0, len(place)))
    values = cursors.decode(cursor, len(place) + 1)
    forged = [*values]
    forged[changed] = data.draw(st.text(max_size=40).filter(lambda text: text != values[changed]))
    with pytest.raises(HttpError) as refused:
        LISTED.decode(cursors.encode(*forged), len(place))
    assert (refused.value.status, refused.value.code) == (HTTPStatus.BAD_REQUEST, "INVALID_CURSOR")


@pytest.mark.parametrize(
    "of", [("transactions", "alice", None), ("trades", "bob", None), ("trades", "alice", "AAPL")]
)
def test_no_other_list_takes_a_cursor(of: tuple[object, ...]) -> None:
    with pytest.raises(HttpError, match="does not belong to this list"):
        cursors.ListCursors(of).decode(LISTED.encode("AAPL"), 1)


@pytest.mark.parametrize(
    "content", ["[]", '["a","b"]', "[1]", '"a"', "{", "[[]]", "null", "[" * 300]
)
def test_a_sort_key_of_another_form_is_refused(content: str) -> None:
    with pytest.raises(HttpError, match="cursor"):
        cursors.decode(base64.urlsafe_b64encode(content.encode()).decode(), 1)
