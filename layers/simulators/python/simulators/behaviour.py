"""The behaviour and misbehaviour of a venue. The item `CONFIG`/{venue} in its table overrides
single fields.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field

from simulators.dice import Dice
from trading.domain.values import Frozen

Rate = Annotated[Decimal, Field(ge=0, le=1)]


class Behaviour(Frozen):
    def overridden(self, fields: Mapping[str, object]) -> Self:
        """This behaviour with other values for some fields. Raises ValidationError for an unknown
        name or an invalid value.
        """
        return self.model_validate({**self.model_dump(), **fields})


class ExchangeBehaviour(Behaviour):
    """The behaviour of one exchange.

    `duplicate_rate` and `late_rate` are shares of the reports, and `down_rate` is a share of the
    minutes. `bust_rate` and `correct_rate` are shares of the executions. A bust or a correction
    comes after `correction_seconds`, and the share `late_correction_rate` of them a day later.
    All other rates are shares of the orders.
    """

    reject_rate: Rate = Decimal("0.01")
    partial_rate: Rate = Decimal("0.03")
    duplicate_rate: Rate = Decimal("0.03")
    late_rate: Rate = Decimal("0.02")
    out_of_order_rate: Rate = Decimal("0.03")
    silence_rate: Rate = Decimal("0.01")
    down_rate: Rate = Decimal("0.005")
    bust_rate: Rate = Decimal(0)
    correct_rate: Rate = Decimal(0)
    late_correction_rate: Rate = Decimal("0.1")
    correction_seconds: int = Field(default=60, ge=0)
    late_seconds: int = Field(default=30, ge=0)
    latency_ms_min: int = Field(default=5, ge=0)
    latency_ms_max: int = Field(default=100, ge=0, le=10_000)
    half_spread_basis_points: Decimal = Field(default=Decimal(2), ge=0, lt=1000)
    displayed_size: int = Field(default=2000, ge=0)

    def is_down(self, dice: Dice, exchange_id: str, minute: int) -> bool:
        """Whether the exchange is down in this minute."""
        return dice.chance(self.down_rate, "down", exchange_id, minute)

    def latency_seconds(self, dice: Dice, exchange_id: str, client_order_id: str) -> float:
        """The time that the exchange takes before it looks at an order."""
        shortest = min(self.latency_ms_min, self.latency_ms_max)
        return (
            dice.between(shortest, self.latency_ms_max, "latency", exchange_id, client_order_id)
            / 1000
        )


class DepositoryBehaviour(Behaviour):
    """The behaviour of the depository.

    `fail_rate` is a share of the instructions. `unavailable_rate` and `slow_rate` are shares of the
    requests. `answer_lost_rate` is a share of the recorded instructions.
    """

    fail_rate: Rate = Decimal(0)
    unavailable_rate: Rate = Decimal("0.01")
    slow_rate: Rate = Decimal("0.01")
    slow_ms: int = Field(default=2000, ge=0, le=25_000)
    answer_lost_rate: Rate = Decimal("0.01")


EXCHANGE_DEFAULTS: Mapping[str, ExchangeBehaviour] = {
    "XNYS": ExchangeBehaviour(half_spread_basis_points=Decimal("1.5"), displayed_size=3000),
    "XNAS": ExchangeBehaviour(half_spread_basis_points=Decimal("1.5"), displayed_size=2500),
    "ARCX": ExchangeBehaviour(half_spread_basis_points=Decimal("2.5"), displayed_size=1500),
    "BATS": ExchangeBehaviour(half_spread_basis_points=Decimal("2"), displayed_size=1200),
}
