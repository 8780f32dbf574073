"""What operators write for people is one line with something to see."""

import pytest
from pydantic import ValidationError

from trading.adapters.faces.admin import Change, NewClient

VISIBLE = ["Dave", " Dave ", "שלום", "日本", "👩‍🚀", "O'Neil & Co. <x>", "é" * 200]
UNFIT = [
    "",
    " ",
    "\u00a0",
    "\u3000",
    "\t",
    "a\nb",
    "Dave\n",
    "\x00",
    "a\x00b",
    "a\x7f",
    "a\x85",
    "a\u2028b",
    "\u200b",
    "\u200b \ufeff",
    "\u2060\u00ad",
    "\u200e",
    "\u3164",
    "a\u202eb",
    "a\u2066b",
]


def client(name: str) -> NewClient:
    return NewClient.model_validate(
        {
            "reason": "drill",
            "client_id": "dave",
            "name": name,
            "daily_trading_limit": "1.00",
            "settlement_account": "csd-dave",
        }
    )


@pytest.mark.parametrize("text", VISIBLE)
def test_visible_text_is_taken_as_it_is(text: str) -> None:
    assert Change(reason=text).reason == client(text).name == text


@pytest.mark.parametrize("text", UNFIT)
def test_text_that_is_hidden_or_misleads_is_refused(text: str) -> None:
    why = "one line of visible text" if text else "at least 1 character"
    with pytest.raises(ValidationError, match=rf"reason\n.*{why}"):
        Change(reason=text)
    with pytest.raises(ValidationError, match=rf"name\n.*{why}"):
        client(text)
