"""Child orders: the parts of an order that were sent to exchanges."""

from enum import StrEnum

from pydantic import Field

from trading.domain.values import Frozen


class ChildStatus(StrEnum):
    """What the books know of a child order. SENT: the exchange may have it and may execute it."""

    SENT = "SENT"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class ChildOrder(Frozen):
    """A part of an order at one exchange. Quantities are in shares.

    number: counts from 1 within the order; with the order's id it is the ClOrdID (FIX tag 11).
    refused: the shares of executions that the books refused; they will never be booked.
    busted: the shares that busts and corrections took away; they do not go back to the market.
    ending: how the child ended, by the exchange's report. reported_cumulative: the shares that the
    exchange executed in all, by that report (CumQty, FIX tag 14), with the busted ones. The child
    stays SENT until all of them are booked.
    """

    number: int
    exchange_id: str
    quantity: int
    filled: int = 0
    refused: int = 0
    busted: int = Field(default=0, exclude_if=lambda busted: not busted)
    status: ChildStatus = ChildStatus.SENT
    ending: ChildStatus | None = None
    reported_cumulative: int | None = None
    reason: str | None = None

    @property
    def leaves(self) -> int:
        """The shares that may still execute (LeavesQty, FIX tag 151)."""
        if self.status is not ChildStatus.SENT:
            return 0
        return max(self.expected - self.executed - self.refused, 0)

    @property
    def executed(self) -> int:
        """The shares of booked executions, with those that busts took away."""
        return self.filled + self.busted

    @property
    def expected(self) -> int:
        """The most that can be filled in all, by what the exchange has reported."""
        return self.quantity if self.reported_cumulative is None else self.reported_cumulative

    @property
    def outcome(self) -> ChildStatus:
        """Its status, or the end that the exchange announced while fills are still on their way."""
        return (
            self.ending
            if self.ending is not None and self.status is ChildStatus.SENT
            else self.status
        )

    def fill(self, quantity: int) -> "ChildOrder":
        """Count a fill. The last one ends the child."""
        return self.but(filled=self.filled + quantity)._ended_if_done()

    def correct(self, filled: int, executed: int) -> "ChildOrder":
        """Change the filled and the executed quantity by what a correction or a bust changes."""
        corrected = self.but(filled=self.filled + filled, busted=self.busted + executed - filled)
        return corrected._ended_if_done()

    def refuse_execution(self, quantity: int) -> "ChildOrder":
        """Count the shares of an execution that the books refused, up to what may still execute."""
        return self.but(refused=self.refused + min(quantity, self.leaves))._ended_if_done()

    def record_ending(
        self, ending: ChildStatus, cumulative: int, reason: str | None
    ) -> "ChildOrder":
        """Record that the exchange ended the child after it executed `cumulative` shares in all.

        `cumulative` counts busted shares too.
        A number below the booked quantity counts as the booked quantity. A number above the child's
        quantity counts as that quantity.
        """
        plausible = min(max(cumulative, self.executed), self.quantity)
        recorded = self.but(ending=ending, reported_cumulative=plausible, reason=reason)
        return recorded._ended_if_done()

    def _ended_if_done(self) -> "ChildOrder":
        if self.status is not ChildStatus.SENT or self.leaves:
            return self
        if self.executed == self.quantity:
            return self.but(status=ChildStatus.FILLED)
        return self.but(status=self.ending or ChildStatus.CANCELED)
