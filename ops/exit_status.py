"""The exit status of the operator's commands."""

from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """An exit status, with the sentence that says what it means."""

    sentence: str

    def __new__(cls, status: int, sentence: str) -> Self:
        member = int.__new__(cls, status)
        member._value_ = status
        member.sentence = sentence
        return member

    OK = 0, "The command did what it says, and nothing needs attention."
    ATTENTION = 1, "Something needs an operator's attention, or the command was refused."
    USAGE = 2, "The command line is wrong. Nothing was done."
    UNREACHABLE = 3, "The system could not be reached."
