"""Clients and their limits."""

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from trading.domain.values import Frozen, Money, Versioned


class ClientStatus(StrEnum):
    """Whether a client may log in and trade."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Limits(Frozen):
    """The limits of a client: the fields of the same names in `Client`."""

    margin_percent: Decimal
    credit_limit: Money
    daily_trading_limit: Money


class Client(Versioned):
    """A client's profile.

    margin_percent: the part of a purchase that the client puts up; the rest draws on credit.
    credit_limit: the most that is lent, in `currency`. daily_trading_limit: the most notional that
    is accepted on one business date, in `currency`. settlement_account: the account at the
    depository. fingerprint: of the request that created the client; None for a seeded client.
    first_api_key: the key that was issued for that request. signed_orders: all requests that place
    or change orders of the client must be signed. second_factor_above: orders worth more need a
    second factor, in `currency`; zero: all orders; None: none. second_factor_to_withdraw:
    each withdrawal needs a code of the client.
    """

    client_id: str
    name: str
    status: ClientStatus = ClientStatus.ACTIVE
    margin_percent: Decimal = Field(default=Decimal(100), gt=0, le=100)
    credit_limit: Money = Field(default=Decimal("0.00"), ge=0)
    daily_trading_limit: Money = Field(gt=0)
    settlement_account: str
    currency: str = "USD"
    fingerprint: str | None = None
    first_api_key: str | None = None
    signed_orders: bool = False
    second_factor_above: Money | None = Field(default=None, ge=0)
    second_factor_to_withdraw: bool = False

    @property
    def limits(self) -> Limits:
        """The limits as they stand."""
        return Limits(
            margin_percent=self.margin_percent,
            credit_limit=self.credit_limit,
            daily_trading_limit=self.daily_trading_limit,
        )

    def with_limits(self, limits: Limits) -> "Client":
        """Set the limits."""
        return self.but(
            margin_percent=limits.margin_percent,
            credit_limit=limits.credit_limit,
            daily_trading_limit=limits.daily_trading_limit,
        )

    def with_first_api_key(self, api_key: str) -> "Client":
        """Remember the API key that is issued with the client."""
        return self.but(first_api_key=api_key)

    def with_signed_orders(self, required: bool) -> "Client":
        """Say whether all requests about orders must be signed."""
        return self.but(signed_orders=required)

    def with_status(self, status: ClientStatus) -> "Client":
        """Set the status."""
        return self.but(status=status)
