"""Prices and liquidity. They depend on the seed, the symbol, the exchange and the minute only, so a
run can be repeated.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field

from simulators.behaviour import ExchangeBehaviour
from simulators.dice import Dice
from trading.domain.reference.calendars import session_at
from trading.domain.values import Frozen, Money, Side, tick_down, tick_up
from trading.wire import VenueQuote

DRIFT_BASIS_POINTS = 50
DRIFT_MINUTES = 10


class Listing(Frozen):
    """What the market knows about a symbol."""

    symbol: str
    reference_price: Money = Field(gt=0)
    tick_size: Money = Field(default=Decimal("0.01"), gt=0)
    lot_size: int = Field(default=1, gt=0)
    liquidity: Decimal = Field(default=Decimal(1), ge=0)
    trading_hours: Literal["regular", "continuous"] = "continuous"

    def is_open(self, now: datetime) -> bool:
        """Whether it is executed at this time."""
        nothing = timedelta(0)
        return self.trading_hours == "continuous" or session_at(now, nothing, nothing) is not None


class Consumed(Frozen):
    """The shares that orders have already taken from a minute's displayed liquidity."""

    bought: int = 0
    sold: int = 0


def minute_of(moment: datetime) -> int:
    """The number of whole minutes since the epoch."""
    return int(moment.timestamp()) // 60


def next_minute(moment: datetime) -> datetime:
    """The time at which liquidity is replenished next."""
    return datetime.fromtimestamp((minute_of(moment) + 1) * 60, UTC)


def mid_price(dice: Dice, listing: Listing, minute: int) -> Decimal:
    """The unrounded middle price. It moves in straight lines between seeded points around the
    reference price.
    """
    knot, into = divmod(minute, DRIFT_MINUTES)
    here, there = (
        dice.between(-DRIFT_BASIS_POINTS, DRIFT_BASIS_POINTS, "drift", listing.symbol, number)
        for number in (knot, knot + 1)
    )
    drift = here + Decimal((there - here) * into) / DRIFT_MINUTES
    return listing.reference_price * (1 + drift / 10_000)


def displayed_quote(
    dice: Dice, listing: Listing, exchange_id: str, behaviour: ExchangeBehaviour, minute: int
) -> VenueQuote:
    """The quote at the start of the minute. All exchanges share the middle price, so their quotes
    never cross.
    """
    mid, tick = mid_price(dice, listing, minute), listing.tick_size
    half_spread = mid * behaviour.half_spread_basis_points / 10_000
    bid = max(tick_down(mid - half_spread, tick), tick)
    ask = max(tick_up(mid + half_spread, tick), bid + tick)

    def size(side: str) -> int:
        mood = Decimal("0.5") + dice.roll("size", side, listing.symbol, exchange_id, minute)
        shares = int(behaviour.displayed_size * listing.liquidity * mood)
        return shares // listing.lot_size * listing.lot_size

    return VenueQuote(
        exchange_id=exchange_id, bid=bid, bid_size=size("bid"), ask=ask, ask_size=size("ask")
    )


def remaining_quote(displayed: VenueQuote, consumed: Consumed) -> VenueQuote:
    """The displayed quote without the shares that were consumed."""
    return displayed.less(bought=consumed.bought, sold=consumed.sold)


def opposite(quote: VenueQuote, side: Side) -> tuple[Decimal, int]:
    """The price and the size on the opposite side of the quote."""
    return (quote.ask, quote.ask_size) if side is Side.BUY else (quote.bid, quote.bid_size)


def is_within_limit(price: Decimal, limit_price: Decimal, side: Side) -> bool:
    """Whether the price is at least as good as the limit price."""
    return price <= limit_price if side is Side.BUY else price >= limit_price


def liquidity_expires_at(minute: int) -> int:
    """The time (Unix seconds) from which nobody asks for the consumption of the minute."""
    return minute * 60 + int(timedelta(hours=1).total_seconds())
