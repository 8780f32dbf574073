"""How answers are shown to people."""

from typing import Any

import pytest

from cli import view

ORDER = {"side": "buy", "quantity": 10, "stock_symbol": "KO", "time_in_force": "DAY", "price": None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "buy 10 KO market DAY"),
        ({"price": "61.20"}, "buy 10 KO limit 61.20 DAY"),
        ({"stop_price": "60.00"}, "buy 10 KO stop 60.00 DAY"),
        ({"stop_price": "60.00", "price": "59.00"}, "buy 10 KO stop 60.00 limit 59.00 DAY"),
    ],
)
def test_the_terms_of_an_order_are_shown_on_one_line(changes: dict[str, Any], words: str) -> None:
    assert view.terms(ORDER | changes) == words


def test_the_state_of_an_order_is_shown_with_its_reason() -> None:
    assert (
        view.status({"current_status": "ROUTING", "cancel_requested": True})
        == "ROUTING, cancel requested"
    )
    rejected = {"current_status": "REJECTED", "reason": {"code": "NO_FUNDS", "message": "…"}}
    assert view.status(rejected) == "REJECTED (NO_FUNDS)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (["a", "b"], "a b"),
        ("2026-11-23T15:00:00.123456Z", "2026-11-23 15:00:00Z"),
        ("100.00", "100.00"),
    ],
)
def test_values_are_shown_in_short_form(value: object, shown: str) -> None:
    assert str(view.cell(value)) == shown


def test_text_from_others_is_not_interpreted_as_markup() -> None:
    assert str(view.cell("[red]x[/red]")) == "[red]x[/red]"
    assert view.rows("Orders", ("order_id",), []) == "Orders: none."
