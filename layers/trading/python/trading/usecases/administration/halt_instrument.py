"""Halting and resuming an instrument: new orders are refused, orders at the exchanges stand."""

from dataclasses import dataclass

from trading.domain.reference.instruments import Instrument
from trading.usecases.administration.administration import AuditTrail, Operator, Registry, announced
from trading.usecases.ports import NotFoundError


@dataclass(frozen=True)
class HaltInstrument:
    """Workers keep instruments for up to ten seconds: so long may they take orders in one that is
    halted.
    """

    registry: Registry
    audit: AuditTrail

    def __call__(self, symbol: str, tradable: bool, operator: Operator) -> Instrument:
        """The instrument, halted or resumed. Raises NotFoundError."""
        words = ("resume", "resumed") if tradable else ("halt", "halted")
        with announced(self.audit, operator, f"instrument/{symbol}", *words):
            instrument = self.registry.set_tradable(symbol, tradable)
            if instrument is None:
                raise NotFoundError("There is no such instrument.", field="symbol")
            return instrument
