"""How durations and ages are written and read."""

from datetime import timedelta

import pytest
import typer
from typer.testing import CliRunner

from ops.options import Reason, duration
from workstation.screen import in_words


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86400), ("0s", 0)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "1.5h", "5min", "٥m", "9999999d"])
def test_anything_else_is_refused_as_a_duration(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration(text)


def _reason(text: str) -> str | None:
    """The reason that a command takes, or None if it refuses the text."""
    taken: list[str] = []
    app = typer.Typer()

    @app.command()
    def command(reason: Reason) -> None:
        taken.append(reason)

    status = CliRunner().invoke(app, ["--reason", text]).exit_code
    assert (status == 0) == bool(taken)
    return taken[0] if taken else None


@pytest.mark.parametrize("text", ["drill", " ticket 4711 ", "é" * 500, "שלום 🙂"])
def test_a_reason_is_a_line_of_visible_text(text: str) -> None:
    assert _reason(text) == text


@pytest.mark.parametrize(
    "text", ["", " ", "\t", "a\nb", "\x00", "a\x1b[2J", "\u200b", "\u202etxt", "x" * 501]
)
def test_any_other_reason_is_refused(text: str) -> None:
    assert _reason(text) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (59, "59s"),
        (60, "1m 0s"),
        (3_661, "1h 1m"),
        (3_605, "1h 5s"),
        (90_061, "1d 1h"),
        (-5, "0s"),
    ],
)
def test_an_age_is_shown_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
