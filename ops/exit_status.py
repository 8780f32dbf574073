"""The exit status of the operator's commands."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit status means."""

    OK = 0
    ATTENTION = 1
    USAGE = 2
    UNREACHABLE = 3
