"""Who trades, and within which limits."""

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from trading.domain.values import Frozen, Money


class ClientStatus(StrEnum):
    """Whether a client may log in and trade."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Client(Frozen):
    """A client's profile. `margin_percent` is the share of a purchase that the client puts up; the rest draws on credit."""

    client_id: str
    name: str
    status: ClientStatus = ClientStatus.ACTIVE
    margin_percent: Decimal = Field(default=Decimal(100), gt=0, le=100)
    credit_limit: Money = Field(default=Decimal("0.00"), ge=0)
    daily_trading_limit: Money = Field(gt=0)
    settlement_account: str
    currency: str = "USD"
