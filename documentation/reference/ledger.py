"""The models of ledger entries."""

from typing import get_args

from documentation.reference.models import render
from trading.domain import ledger


def models() -> str:
    """The fields of each kind."""
    return render(entries())


def entries() -> tuple[type[ledger.Entry], ...]:
    """The models that the ledger's table may hold."""
    union, *_ = get_args(ledger.LedgerEntry)
    return get_args(union)
