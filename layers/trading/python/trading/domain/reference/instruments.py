"""Instruments and exchanges: what is traded, in which steps, and at which fee."""

from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator

from trading.domain.clients.credential_status import CredentialStatus
from trading.domain.clients.venue_keys import VenueKey
from trading.domain.values import CENT, Money, Side, Versioned, percent_of, tick_down, tick_up


class Instrument(Versioned):
    """A listed share.

    tick_size: the step of prices, in `currency`. lot_size: the step of quantities, in shares.
    reference_price: the price that the collars are measured from. limit_collar_percent: how far a
    limit price may lie from it. market_collar_percent: how far a market order may execute from it.
    max_order_notional: the maximum of quantity × worst price. tradable: False while it is halted.
    trading_hours: regular are the hours of the New York Stock Exchange; continuous never closes.
    settlement_days: the settlement cycle in settlement days (US: T+1, SEC Rule 15c6-1(a)).
    tradable_set_in: the version in which it was last halted or resumed.
    """

    symbol: str
    name: str
    reference_price: Money = Field(gt=0)
    tick_size: Money = CENT
    lot_size: int = Field(default=1, gt=0)
    tradable: bool = True
    limit_collar_percent: Decimal = Decimal(20)
    market_collar_percent: Decimal = Decimal(4)
    max_order_quantity: int = Field(default=1_000_000, gt=0)
    max_order_notional: Money = Field(default=Decimal("10000000.00"), gt=0)
    currency: str = "USD"
    settlement_days: int = Field(default=1, ge=0)
    trading_hours: Literal["regular", "continuous"] = "regular"
    tradable_set_in: int | None = None

    @field_validator("tick_size")
    @classmethod
    def _whole_cents(cls, tick: Decimal) -> Decimal:
        if tick <= 0 or tick % CENT:
            raise ValueError(
                "tick_size must be a positive multiple of 0.01, so that quantity x price is exact "
                "in cents"
            )
        return tick

    def with_tradable(self, tradable: bool) -> "Instrument":
        """Halt or resume it."""
        return self.but(tradable=tradable, tradable_set_in=self.version + 1)

    @property
    def sets_tradable(self) -> bool:
        """Whether the next save of it is the one that halts or resumes it."""
        return self.tradable_set_in == self.version + 1

    def traded_at(self, last_price: Decimal) -> "Instrument":
        """Take the last price as the reference price, from which the collars are measured."""
        return self.but(reference_price=last_price)

    def is_on_tick(self, price: Decimal) -> bool:
        """Whether a price is a whole number of ticks."""
        return price % self.tick_size == 0

    def market_protection_price(self, side: Side) -> Decimal:
        """The worst price at which a market order may execute.

        It is the reference price plus (buy) or minus (sell) the collar, rounded towards the
        reference price to a tick. It is at least one tick.
        """
        collar = percent_of(self.reference_price, self.market_collar_percent)
        price = self.reference_price + side.sign * collar
        to_tick = tick_down if side is Side.BUY else tick_up
        return max(to_tick(price, self.tick_size), self.tick_size)

    def limit_band(self) -> tuple[Decimal, Decimal]:
        """The lowest and the highest limit price that is accepted."""
        band = percent_of(self.reference_price, self.limit_collar_percent)
        return self.reference_price - band, self.reference_price + band


class Exchange(Versioned):
    """A market where orders are executed. fee_per_share: in USD. key_status: whether reports with
    its key are accepted.
    """

    exchange_id: str
    name: str
    fee_per_share: Money = Field(ge=0)
    key_status: CredentialStatus = CredentialStatus.ACTIVE

    @property
    def key(self) -> VenueKey:
        """The key with which it signs its reports."""
        return VenueKey(exchange_id=self.exchange_id, key_status=self.key_status)

    def with_key_status(self, status: CredentialStatus) -> "Exchange":
        """Accept or refuse reports with its key."""
        return self.but(key_status=status)
