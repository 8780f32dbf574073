"""Halt and resume an instrument. While it is halted, new orders in it are rejected. Orders at the
exchanges stand.
"""

from dataclasses import dataclass

from trading.domain.reference.instruments import Instrument
from trading.usecases.administration.operator_actions import (
    AuditTrail,
    Operator,
    Registry,
    announced,
)
from trading.usecases.ports import NotFoundError
from trading.usecases.retrying import on_fresh_state


@dataclass(frozen=True)
class HaltInstrument:
    """Halts and resumes instruments. A repetition writes nothing, so it is no event. Workers cache
    instruments for up to ten seconds, and may accept orders in a halted one for that long.
    """

    registry: Registry
    audit: AuditTrail

    def __call__(self, symbol: str, tradable: bool, operator: Operator) -> Instrument:
        """Halt or resume the instrument. Raises NotFoundError."""
        words = ("resume", "resumed") if tradable else ("halt", "halted")
        with announced(self.audit, operator, f"instrument/{symbol}", *words):
            return self._set(symbol, tradable)

    @on_fresh_state
    def _set(self, symbol: str, tradable: bool) -> Instrument:
        instrument = self.registry.listed(symbol)
        if instrument is None:
            raise NotFoundError("There is no such instrument.", field="symbol")
        if instrument.tradable is tradable:
            return instrument
        changed = instrument.with_tradable(tradable)
        self.registry.commit(changed)
        return changed.saved()
