"""Exit statuses of command lines."""

from enum import IntEnum
from typing import Self


class ExitStatus(IntEnum):
    """An exit status, with the sentence that says what it means."""

    sentence: str

    def __new__(cls, status: int, sentence: str) -> Self:
        member = int.__new__(cls, status)
        member._value_ = status
        member.sentence = sentence
        return member
