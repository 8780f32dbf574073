"""Codes that clients, operators and records rely on."""

from enum import StrEnum
from typing import Self


class Coded(StrEnum):
    """A set of stable codes. Each member is its code and has a `sentence` that says what it means.

    The reference tables of the documentation are generated from the members.
    """

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member
