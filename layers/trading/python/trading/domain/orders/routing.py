"""The smart order router: which exchanges get how much of an order, best effective price first."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import (
    Frozen,
    Money,
    Side,
    TimeInForce,
    Timestamp,
    Versioned,
    millionths,
    ratio,
)

RoutePlan = tuple[tuple[str, int], ...]
"""Exchange ids and quantities, best exchange first."""

QUALITY_PENALTY = Decimal("0.0010")
"""The ranking cost of a venue that never executes as displayed, as a share of the price (10 basis
points).
"""
QUALITY_HALF_LIFE = timedelta(hours=1)
PRIOR_WEIGHT = Decimal(5)


class ExecutionQuality(Versioned):
    """How well an exchange has executed what it displayed: a decayed average from 0 to 1 (best).

    Each finished child counts as the share of it that was filled. A reject and a failed call count
    as 0. weight: the number of outcomes that the score stands for; it halves every hour. So an
    exchange that was bad in the morning is tried again in the afternoon.
    """

    exchange_id: str
    score: Decimal = Field(default=Decimal(1), ge=0, le=1)
    weight: Decimal = PRIOR_WEIGHT
    as_of: Timestamp | None = None

    def observed(self, outcome: Decimal, now: datetime) -> "ExecutionQuality":
        """The quality after one more outcome between 0 and 1."""
        age = max(now - self.as_of, timedelta()) if self.as_of else timedelta()
        decay = millionths(Decimal(0.5 ** (age / QUALITY_HALF_LIFE)))
        weight = max(self.weight * decay, Decimal(1))
        return self.but(
            score=ratio(self.score * weight + outcome, weight + 1),
            weight=millionths(min(weight + 1, Decimal(1000))),
            as_of=now,
        )


class Venue(Frozen):
    """An exchange as the router sees it now.

    Prices and fee in USD a share, sizes in shares. quality: the score of `ExecutionQuality`.
    """

    exchange_id: str
    bid: Money
    bid_size: int
    ask: Money
    ask_size: int
    fee_per_share: Money
    quality: Decimal = Decimal(1)

    def price(self, side: Side) -> Decimal:
        """What a taker on this side trades at."""
        return self.ask if side is Side.BUY else self.bid

    def size(self, side: Side) -> int:
        """What is displayed for a taker on this side."""
        return self.ask_size if side is Side.BUY else self.bid_size

    def effective_cost(self, side: Side) -> Decimal:
        """Price, fee and the penalty for poor execution, in USD a share. Lower is better for both
        sides.
        """
        price = self.price(side)
        return side.sign * price + self.fee_per_share + price * QUALITY_PENALTY * (1 - self.quality)


class Step(StrEnum):
    """What happens to an order next, after its children changed.

    WAIT: nothing. ROUTE: send the unrouted quantity. CANCEL, EXPIRE: end the order.
    """

    WAIT = "WAIT"
    ROUTE = "ROUTE"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"


def next_step(order: Order) -> Step:
    """Decide what happens to an order next.

    - If an end was requested, nothing is routed. The order ends when no child is live.
    - If the books refused an execution, the order ends when no child is live: for the exchange,
      those shares are executed.
    - What was never routed is routed. What an exchange rejected is routed to another one, and so is
      what an exchange canceled of an IOC order.
    - If an exchange canceled or expired any other part, the order ends when no child is live.
    """
    endings = {child.outcome for child in order.children}
    if not order.is_open or order.unrouted == 0:
        return Step.WAIT
    if order.ending is not None:
        ended = Step.CANCEL if order.ending.status is OrderStatus.CANCELED else Step.EXPIRE
        return Step.WAIT if order.live_children else ended
    if any(child.refused for child in order.children):
        return Step.WAIT if order.live_children else Step.CANCEL
    immediate = order.venue_time_in_force is TimeInForce.IOC
    if not endings & {ChildStatus.CANCELED, ChildStatus.EXPIRED} or (
        immediate and ChildStatus.CANCELED in endings
    ):
        return Step.ROUTE
    if order.live_children:
        return Step.WAIT
    return Step.EXPIRE if ChildStatus.EXPIRED in endings else Step.CANCEL


def spent_exchanges(order: Order) -> frozenset[str]:
    """The exchanges that ended a child before it was filled. They are not tried again."""
    ended = (ChildStatus.REJECTED, ChildStatus.CANCELED, ChildStatus.EXPIRED)
    return frozenset(child.exchange_id for child in order.children if child.outcome in ended)


def is_second_round(order: Order) -> bool:
    """Whether an exchange has canceled a part that could not be executed at once."""
    return any(child.outcome is ChildStatus.CANCELED for child in order.children)


def avoided_exchanges(order: Order, suspended: frozenset[str]) -> frozenset[str]:
    """The exchanges that get nothing more of the order.

    In the second round these include the exchanges of live children: such a child already asks for
    all that its exchange displays.
    """
    avoided = spent_exchanges(order) | suspended
    if is_second_round(order):
        avoided |= {child.exchange_id for child in order.live_children}
    return avoided


def plan_route(order: Order, venues: Sequence[Venue]) -> RoutePlan:
    """Plan which exchanges get how much of the unrouted quantity, by what they display now."""
    if order.stop_price is not None:
        return allocate_whole(order.side, order.unrouted, venues)
    return allocate(
        order.side,
        order.unrouted,
        order.protection_price,
        order.venue_time_in_force,
        venues,
        displayed_only=is_second_round(order),
    )


def plan_without_quotes(
    order: Order, exchange_ids: Iterable[str], scores: Mapping[str, Decimal]
) -> RoutePlan:
    """Plan without quotes: the exchange that has executed best so far gets everything."""
    best = max(sorted(exchange_ids), key=lambda e: scores.get(e, Decimal(1)), default=None)
    return ((best, order.unrouted),) if best is not None else ()


def allocate_whole(side: Side, quantity: int, venues: Sequence[Venue]) -> RoutePlan:
    """Give everything to the venue that is best now.

    A stop order needs this: one exchange elects it by that exchange's own last price.
    """
    best = min(venues, key=lambda v: (v.effective_cost(side), v.exchange_id), default=None)
    return ((best.exchange_id, quantity),) if best and quantity > 0 else ()


def allocate(
    side: Side,
    quantity: int,
    limit_price: Decimal,
    time_in_force: TimeInForce,
    venues: Sequence[Venue],
    displayed_only: bool = False,
) -> RoutePlan:
    """Split a quantity over venues, best first. The plan is empty if there is no venue.

    Sizes displayed within the limit are taken in order of effective cost. The rest goes to the best
    venue, where it rests or is canceled, as the time in force says. displayed_only: the rest stays
    unrouted (second round of an order that may not rest). A FOK order goes whole to one venue,
    because no exchange can see the part at another.
    """
    ranked = sorted(venues, key=lambda v: (v.effective_cost(side), -v.size(side), v.exchange_id))
    marketable = [
        v for v in ranked if v.size(side) > 0 and (v.price(side) - limit_price) * side.sign <= 0
    ]
    if not ranked or quantity <= 0:
        return ()
    if time_in_force is TimeInForce.FOK:
        whole = [v for v in marketable if v.size(side) >= quantity]
        best = whole[0] if whole else max(marketable or ranked, key=lambda v: v.size(side))
        return ((best.exchange_id, quantity),)
    parts: dict[str, int] = {}
    left = quantity
    for venue in marketable:
        if left == 0:
            break
        parts[venue.exchange_id] = min(left, venue.size(side))
        left -= parts[venue.exchange_id]
    if left and not displayed_only:
        best = (marketable or ranked)[0]
        parts[best.exchange_id] = parts.get(best.exchange_id, 0) + left
    return tuple(parts.items())
