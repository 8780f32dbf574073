"""Codes and their sentences, from the enums."""

from documentation.markdown import code, table
from trading.domain.coded import Coded


def codes_table(enum: type[Coded]) -> str:
    """Every member of an enum of codes."""
    return table(("code", "meaning"), ((code(member.value), member.sentence) for member in enum))
