"""The smart order router: which exchanges get how much of an order, best effective price first."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import Frozen, Money, Side, TimeInForce, Timestamp, Versioned

RoutePlan = tuple[tuple[str, int], ...]
"""Exchange ids and quantities, best exchange first."""

QUALITY_PENALTY = Decimal("0.0010")
"""What a venue that never executes as displayed costs in the ranking, as a share of the price (10
basis points).
"""
QUALITY_HALF_LIFE = timedelta(hours=1)
PRIOR_WEIGHT = Decimal(5)


class ExecutionQuality(Versioned):
    """How well an exchange has executed what it displayed: a decayed average, 1 best, 0 worst.

    Each finished child counts as the share of it that was filled (a reject or a failed call as 0).
    Weight halves every hour, so an exchange that was bad this morning is tried again in the
    afternoon.
    """

    exchange_id: str
    score: Decimal = Field(default=Decimal(1), ge=0, le=1)
    weight: Decimal = PRIOR_WEIGHT
    as_of: Timestamp | None = None

    def observed(self, outcome: Decimal, now: datetime) -> "ExecutionQuality":
        """The quality after one more outcome between 0 and 1."""
        age = max(now - self.as_of, timedelta()) if self.as_of else timedelta()
        decay = Decimal(str(round(0.5 ** (age / QUALITY_HALF_LIFE), 6)))
        weight = max(self.weight * decay, Decimal(1))
        score = (self.score * weight + outcome) / (weight + 1)
        return self.but(
            score=round(score, 6), weight=round(min(weight + 1, Decimal(1000)), 6), as_of=now
        )


class Venue(Frozen):
    """An exchange as the router sees it now."""

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
        """Price with fee and the penalty for poor execution, as a cost: lower is better on both
        sides.
        """
        price = self.price(side)
        return side.sign * price + self.fee_per_share + price * QUALITY_PENALTY * (1 - self.quality)


class Step(StrEnum):
    """What is to happen to an order after something happened to its children."""

    WAIT = "WAIT"
    ROUTE = "ROUTE"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"


def next_step(order: Order) -> Step:
    """A rejected part is tried elsewhere; so is what an exchange cancelled of an order that may not
    rest (but a FOK); what an exchange cancels or expires of a resting order ends it, once nothing
    of it is live; so does what our books refused, for the exchange thinks that it is executed. An
    order that is wanted to end is not routed any more.
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
    """The exchanges that ended a child of the order unfilled. They are not tried again."""
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
    """Which exchanges get how much of what is unrouted, by what they display now."""
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
    """Without quotes everything goes to the exchange that has executed best so far."""
    best = max(sorted(exchange_ids), key=lambda e: scores.get(e, Decimal(1)), default=None)
    return ((best, order.unrouted),) if best is not None else ()


def allocate_whole(side: Side, quantity: int, venues: Sequence[Venue]) -> RoutePlan:
    """All to the venue that is best now: a stop order, which that exchange elects by its own last
    price.
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
    """Split a quantity over venues: (exchange id, quantity), best first; empty if there is no
    venue.

    Displayed liquidity within the limit is taken in order of effective cost. What is left goes to
    the best venue, to rest there or to be cancelled there, as the time in force says; with
    `displayed_only` (the second round of an order that may not rest) it stays unrouted. A FOK goes
    whole to one venue, for no exchange can see another's part.
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
