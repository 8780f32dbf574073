"""Corrections and busts: what they change in order, account, position, ledger and obligations.

All of it is written in one transaction. Nothing that was booked is changed: a reversal takes the
trade back, and a correction books the corrected trade anew. docs/explanation/corrections.md has the
rules and examples.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import Break, BreakCode, Fill, Novation, Reversal
from trading.domain.orders import attention
from trading.domain.orders.booking import Breach, fees_of
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.holds import Hold
from trading.domain.orders.order import Order
from trading.domain.orders.venue_correction import CorrectedSums, VenueCorrection
from trading.domain.posttrade.clearing import novate
from trading.domain.posttrade.correction_entries import (
    CorrectedAmounts,
    CorrectedCash,
    CorrectedShares,
    ReversedTrade,
    corrected_fill,
    not_covered,
    reversal_of,
)
from trading.domain.posttrade.netting import Obligation, net, obligation_of
from trading.domain.reference import calendars
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import ZERO, Day, Frozen, Side, cents, cents_up, percent_of, proportional


class CorrectionResult(Frozen):
    """What a correction or a bust changes. All of it is written together.

    entries: the reversal, the corrected trade with its novation, and a break if the error account
    advanced something. obligations: new ones. replaced: the obligation that is removed.
    """

    order: Order
    account: Account
    position: Position
    entries: tuple[Reversal | Fill | Novation | Break, ...]
    obligations: tuple[Obligation, ...] = ()
    replaced: Obligation | None = None

    def without_parked(self, correction: VenueCorrection) -> "CorrectionResult":
        """The same, without the correction among the parked ones of the order."""
        return self.but(order=self.order.without_parked(correction))


def check_correction(order: Order, correction: VenueCorrection, fill: Fill) -> None:
    """Raises Breach if the exchange may not correct or bust the trade in this way."""
    child = order.child(correction.client_order_id)
    if child is None or child.exchange_id != correction.exchange_id:
        raise Breach(
            BreakCode.UNKNOWN_CHILD_ORDER,
            f"{correction.exchange_id} never got {correction.client_order_id}",
        )
    if fill.order_id != order.order_id or child.filled < fill.quantity:
        raise Breach(
            BreakCode.OTHER_EXECUTION_REFERENCED,
            f"{correction.client_order_id} has no execution {correction.reference_execution_id}",
        )
    if correction.is_bust:
        return
    if correction.price <= 0:
        raise Breach(BreakCode.IMPLAUSIBLE_PRICE, f"{correction.price}")
    if (correction.price - order.protection_price) * order.side.sign > 0:
        raise Breach(
            BreakCode.PRICE_WORSE_THAN_LIMIT,
            f"{correction.price} against {order.protection_price}",
        )
    more = correction.quantity - fill.peak_quantity
    room = child.leaves
    if child.status is not ChildStatus.SENT:
        free = order.unrouted if order.is_open else 0 if order.replaced_by else order.remaining
        room = min(free, child.quantity - child.executed - child.refused)
    if more > min(room, order.remaining):
        raise Breach(BreakCode.OVERFILL, f"{more} more executed, but only {room} remained")


def correct(
    order: Order,
    correction: VenueCorrection,
    trade: ReversedTrade,
    instrument: Instrument,
    exchange: Exchange,
    account: Account,
    position: Position,
    obligations: Sequence[Obligation],
    now: datetime,
) -> CorrectionResult:
    """Reverse a trade, and book the corrected one. Raises Breach.

    obligations: the client's in the symbol on the date of `settles_on`.
    The correction is binding even if the client's cash or shares do not suffice. Then the error
    account advances the rest, and a break asks people to review it.
    """
    fill = trade.fill
    check_correction(order, correction, fill)
    notional = cents(correction.price * correction.quantity)
    fees = fees_of(order, exchange, correction.quantity, notional)
    new = CorrectedAmounts(quantity=correction.quantity, notional=notional, fees=fees)
    after = order.trade_corrected(_change_of(order, correction, trade, new), now)
    released = Hold(
        cash=order.hold.cash - after.hold.cash,
        credit=order.hold.credit - after.hold.credit,
        shares=order.hold.shares - after.hold.shares,
    )
    settles = trade.is_final(now)
    cash = _cash(account, trade, new, released, settles, order.margin_percent)
    shares = _shares(position, fill, new, released.shares, settles)
    new = new.model_validate(new.model_dump() | {"drawn": cash.drawn, "cost": shares.cost})
    date = settles_on(trade, instrument, now)
    reversal = reversal_of(correction, trade, date, cash, shares, now)
    entries: list[Reversal | Fill | Novation | Break] = [reversal]
    created = [obligation_of(reversal)] if settles else []
    if not correction.is_bust:
        corrected = corrected_fill(correction, fill, new, date, now)
        entries.append(corrected)
        if trade.novated:
            owed = obligation_of(corrected)
            created.append(owed)
            known = [o for o in obligations if o.trade_id != fill.trade_id]
            position_at_ccp = net(fill.symbol, date, [*known, *created])
            entries.append(novate(corrected, order.margin_percent, position_at_ccp, now))
    if cash.advanced or shares.advanced:
        entries.append(not_covered(reversal, now))
        after = after.flagged_for_review(BreakCode.CORRECTION_NOT_COVERED)
    account = cash.account.count_notional(
        order.business_date, after.counted_notional - order.counted_notional
    )
    if not after.is_open:
        account = account.close_order(order.order_id)
    return CorrectionResult(
        order=attention.look_after_end(after, now),
        account=account,
        position=shares.position,
        entries=tuple(entries),
        obligations=tuple(created),
        replaced=obligation_of(fill) if trade.novated and not settles else None,
    )


def settles_on(trade: ReversedTrade, instrument: Instrument, now: datetime) -> Day:
    """The settlement date of the reversal and of the corrected trade."""
    if not trade.is_final(now):
        return trade.fill.settlement_date
    today = calendars.business_date(now)
    return calendars.settlement_date(today, instrument.settlement_days)


def _change_of(
    order: Order, correction: VenueCorrection, trade: ReversedTrade, new: CorrectedAmounts
) -> CorrectedSums:
    fill = trade.fill
    was = f"execution {fill.execution_id} of {fill.quantity} at {fill.price}"
    return CorrectedSums(
        client_order_id=correction.client_order_id,
        reversed_trade=fill.trade_id,
        corrected_by=None if correction.is_bust else correction.trade_id,
        filled=new.quantity - fill.quantity,
        executed=max(new.quantity - fill.peak_quantity, 0),
        settled=fill.quantity if trade.settlement else 0,
        notional=new.notional - fill.notional,
        fees=new.fees - fill.fees,
        reason=f"{was} busted"
        if correction.is_bust
        else f"{was} corrected to {new.quantity} at {correction.price}",
    )


def _cash(
    account: Account,
    trade: ReversedTrade,
    new: CorrectedAmounts,
    released: Hold,
    settles: bool,
    margin_percent: Decimal,
) -> CorrectedCash:
    """Give back what the trade took, and take what the corrected trade costs.

    A purchase that is not settled gives back cash, after the loan that it drew. A purchase that is
    settled gives back proceeds that settle later, like a sale. A sale gives back its proceeds. If
    its settlement repaid a loan, the client draws that loan again before cash is lacking.
    """
    fill = trade.fill
    account = account.release(released.cash, released.credit)
    available = unsettled = repaid = drawn = redrawn = ZERO
    if fill.side is Side.BUY:
        if settles:
            unsettled = fill.client_amount
        else:
            repaid = min(fill.drawn, account.credit_used)
            available = fill.client_amount - repaid
        cost = new.notional + new.fees
        lent = max(account.credit_available + repaid, ZERO)
        drawn = min(cost - cents_up(percent_of(cost, margin_percent)), lent)
        available -= cost - drawn
    else:
        unsettled = new.notional - new.fees
        if settles:
            available = -fill.client_amount
            missing = account.missing(available=available, unsettled=unsettled)
            loan = trade.settlement.loan_repaid if trade.settlement else ZERO
            redrawn = min(missing, loan, max(account.credit_available, ZERO))
        else:
            unsettled -= fill.client_amount
    advanced = account.missing(available=available + redrawn, unsettled=unsettled)
    account = account.move(
        available=available + redrawn + advanced,
        unsettled=unsettled,
        credit_available=repaid - drawn - redrawn,
        credit_used=drawn + redrawn - repaid,
    )
    return CorrectedCash(
        account=account, drawn=drawn, reversal_drawn=redrawn - repaid, advanced=advanced
    )


def _shares(
    position: Position, fill: Fill, new: CorrectedAmounts, from_hold: int, settles: bool
) -> CorrectedShares:
    """Move the shares, and the cost basis with them.

    A purchase changes the cost basis by the difference of both costs. A sale gives back what it
    took out, and takes out the same cost for each corrected share. If the cost basis would fall
    below zero, or no shares are left, the rest is profit or loss.
    """
    sign = fill.side.sign
    change = sign * (new.quantity - fill.quantity)
    advanced = max(-(position.available + change + from_hold), 0)
    receivable = change if sign > 0 and not settles else 0
    if settles:
        receivable = new.quantity if sign > 0 else fill.quantity
    left = position.quantity + change + advanced
    if sign > 0:
        basis = position.cost_basis + new.notional + new.fees - fill.client_amount
        loss = basis if basis < 0 or not left else ZERO
        cost_change, profit, cost = basis - loss - position.cost_basis, -loss, ZERO
    else:
        cost = proportional(fill.cost, new.quantity, fill.quantity)
        basis = position.cost_basis + fill.cost - cost
        if basis < 0 or not left:
            basis, cost = ZERO, position.cost_basis + fill.cost
        cost_change = basis - position.cost_basis
        proceeds = new.notional - new.fees
        profit = (proceeds - cost) - (fill.client_amount - fill.cost)
    moved = position.move(
        available=change + from_hold + advanced,
        held=-from_hold,
        unsettled=change,
        receivable=receivable,
        cost=cost_change,
        profit=profit,
    )
    return CorrectedShares(position=moved, cost=cost, advanced=advanced)
