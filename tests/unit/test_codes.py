"""Every code has a sentence and is used. The type checker ensures that every used code is
a member.
"""

import inspect
import re
from pathlib import Path

import pytest

from trading.codes import CODES
from trading.domain.coded import Coded

ROOT = Path(__file__).parents[2]
SOURCES = {
    path: path.read_text()
    for folder in ("layers/trading", "functions")
    for path in (ROOT / folder).rglob("*.py")
}


@pytest.mark.parametrize("codes", CODES.values(), ids=lambda codes: codes.__name__)
def test_every_member_is_used(codes: type[Coded]) -> None:
    used = {
        name
        for text in SOURCES.values()
        for name in re.findall(rf"\b{codes.__name__}\.([A-Z_]+)\b", text)
    }
    # `EndRequest.code` looks these two up by the status that the order ends with.
    looked_up = {"CANCELED", "EXPIRED"} if codes.__name__ == "EndReason" else set()
    assert {member.name for member in codes} == used | looked_up


@pytest.mark.parametrize("codes", CODES.values(), ids=lambda codes: codes.__name__)
def test_every_member_has_a_sentence_of_its_own(codes: type[Coded]) -> None:
    sentences = [member.sentence for member in codes]
    assert all(re.fullmatch(r"[A-Z].{10,99}\.", sentence) for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


def test_the_code_of_a_member_is_sent_and_stored() -> None:
    for codes in CODES.values():
        for member in codes:
            assert str(member) == f"{member}" == member.value
            assert codes(member.value) is member


def test_no_code_is_written_as_a_bare_string() -> None:
    """The simulated venues have their own metrics and codes, and some have the same names."""
    venues = {"exchange_api", "exchange_matching", "depository_api"}
    defining = {str(module.__file__) for module in map(inspect.getmodule, CODES.values()) if module}
    codes = {member.value for codes in CODES.values() for member in codes}
    telling = {
        code for code in codes if "_" in code or (code.title() != code and code.upper() != code)
    }
    bare = {
        (path.name, code)
        for path, text in SOURCES.items()
        if str(path) not in defining and path.parent.name not in venues
        for code in re.findall(r'"(\w+)"', text)
        if code in telling
    }
    assert not bare
