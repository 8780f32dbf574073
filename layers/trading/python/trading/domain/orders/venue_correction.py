"""Corrections and busts of executions, as exchanges report them."""

from trading.domain import identifiers
from trading.domain.values import ZERO, Frozen, Money, Timestamp


class VenueCorrection(Frozen):
    """A correction or a bust of an execution (FIX ExecType G or H).

    execution_id: of the corrected execution, or of the bust itself. reference_execution_id: of the
    execution that it changes (ExecRefID, FIX tag 19). quantity: in shares, 0 for a bust; price: in
    USD a share. client_order_id: the id of the child order.
    """

    exchange_id: str
    execution_id: str
    reference_execution_id: str
    client_order_id: str
    quantity: int = 0
    price: Money = ZERO
    reported_at: Timestamp

    @property
    def is_bust(self) -> bool:
        """Whether the exchange canceled the execution."""
        return self.quantity == 0

    @property
    def trade_id(self) -> str:
        """The id of the trade that replaces the reversed one."""
        return identifiers.trade_id(self.exchange_id, self.execution_id)

    @property
    def reversed_trade_id(self) -> str:
        """The id of the trade that it reverses."""
        return identifiers.trade_id(self.exchange_id, self.reference_execution_id)


class CorrectedSums(Frozen):
    """How a correction changes the sums of an order.

    client_order_id: of the child order. filled: the change of the quantity that stands. executed:
    the change of the greatest quantity that the execution ever had. settled: the settled shares of
    the reversed trade. corrected_by: the trade that replaces it.
    """

    client_order_id: str
    reversed_trade: str
    corrected_by: str | None
    filled: int
    executed: int
    settled: int
    notional: Money
    fees: Money
    reason: str
