"""Value types that the whole system shares: money, instants, and the basic terms of an order."""

import re
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import SchemaValidator, core_schema

from trading.domain.errors import InvariantError

CENT = Decimal("0.01")
HUNDREDTH_OF_A_CENT = Decimal("0.0001")
MILLIONTH = Decimal("0.000001")
ZERO = Decimal("0.00")


class InvalidChangeError(InvariantError):
    """A change names a field that the entity does not have, or gives a value of another type."""


class Frozen(BaseModel):
    """Base of the immutable models. Unknown fields are refused, and assignment raises an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def but(self, **changes: Any) -> Self:
        """Return a copy with these fields changed.

        Only the methods of the model's own class call this; other code calls those methods. Each
        value is validated strictly: the type must be the field's own, nothing is converted.
        Validators of the whole model do not run. Raises InvalidChangeError.
        """
        try:
            validated = _changes_of(type(self)).validate_python(changes, strict=True)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False, include_context=False)
            what = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong)
            raise InvalidChangeError(f"{type(self).__name__}: {what}") from None
        return self.model_copy(update=validated)


@cache
def _changes_of(model: type[BaseModel]) -> SchemaValidator:
    """Validate a dict of some fields of a model. It takes the fields from the model's own schema:
    a TypeAdapter of each field would add milliseconds to a cold start.
    """
    schema: Any = model.__pydantic_core_schema__
    definitions: list[core_schema.CoreSchema] = []
    while schema["type"] != "model-fields":
        definitions += schema.get("definitions", ())
        schema = schema["schema"]
    fields = {
        name: core_schema.typed_dict_field(_without_default(field["schema"]), required=False)
        for name, field in schema["fields"].items()
    }
    changes = core_schema.typed_dict_schema(fields, extra_behavior="forbid")
    return SchemaValidator(core_schema.definitions_schema(changes, definitions))


def _without_default(schema: Any) -> core_schema.CoreSchema:
    """A default would fill in the fields that a change leaves out."""
    return schema["schema"] if schema["type"] == "default" else schema  # type: ignore[no-any-return]


class Versioned(Frozen):
    """Base of the entities under an optimistic lock. `version` is the one that was read; it is 0
    for an entity that was never saved.
    """

    version: int = 0

    def saved(self) -> Self:
        """Return the entity as it is after it was saved."""
        return self.but(version=self.version + 1)


# --- rounding: docs/explanation/rounding.md. Nothing else divides or rounds an amount.


def cents(amount: Decimal) -> Decimal:
    """Round half up to the cent: the rule for every amount that is not a bound."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def cents_up(amount: Decimal) -> Decimal:
    """Round up to the cent: the rule for what a client must have at least."""
    return amount.quantize(CENT, ROUND_CEILING)


def cents_down(amount: Decimal) -> Decimal:
    """Round down to the cent: the rule for fees, credit, and what a client can buy at most.

    Fees are rounded down so that many small fills never cost more than one large one.
    """
    return amount.quantize(CENT, ROUND_FLOOR)


def per_share(amount: Decimal, quantity: int) -> Decimal:
    """The average of an amount over shares, half up to a hundredth of a cent. It is only shown:
    nothing is computed from it.
    """
    return (amount / quantity).quantize(HUNDREDTH_OF_A_CENT, ROUND_HALF_UP)


def proportional(amount: Decimal, part: int, whole: int) -> Decimal:
    """The part of an amount that belongs to `part` of `whole` shares, half up to the cent."""
    return cents(amount * part / whole)


def percent_of(amount: Decimal, percent: Decimal) -> Decimal:
    """A percentage of an amount, not rounded."""
    return amount * percent / 100


def whole_of(part: Decimal, percent: Decimal) -> Decimal:
    """The amount of which `part` is the percentage, not rounded."""
    return part * 100 / percent


def tick_down(price: Decimal, tick_size: Decimal) -> Decimal:
    """The highest multiple of the tick size that is not above the price."""
    return (price / tick_size).to_integral_value(ROUND_FLOOR) * tick_size


def tick_up(price: Decimal, tick_size: Decimal) -> Decimal:
    """The lowest multiple of the tick size that is not below the price."""
    return (price / tick_size).to_integral_value(ROUND_CEILING) * tick_size


def millionths(number: Decimal) -> Decimal:
    """Round half up to six decimals: the rule for scores and weights, which are no money."""
    return number.quantize(MILLIONTH, ROUND_HALF_UP)


def ratio(part: Decimal | int, whole: Decimal | int) -> Decimal:
    """What `part` is of `whole`, half up to six decimals."""
    return millionths(Decimal(part) / whole)


POSITIVE_PATTERN = r"^([1-9][0-9]{0,19}([.][0-9]{1,20})?|0[.]0{0,18}[1-9][0-9]?)$"
MONEY_PATTERN = r"^-?[0-9]{1,20}([.][0-9]{1,20})?$"
MONEY_DIGITS = 38
"""So many digits has a number in DynamoDB."""


def _plain_decimal(value: object) -> object:
    """Refuse what `Decimal` would accept as well: floats, booleans, exponents, underscores, and
    digits of other scripts. Refuse also what DynamoDB cannot hold.
    """
    if isinstance(value, float | bool):
        raise ValueError("money is a decimal string, never a float")
    if isinstance(value, str) and not re.fullmatch(MONEY_PATTERN, value):
        raise ValueError("money is a plain decimal number, for instance 187.50")
    if not isinstance(value, int | str | Decimal):
        return value
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount.adjusted()) > 20:
        raise ValueError("money is out of range")
    if len(amount.as_tuple().digits) > MONEY_DIGITS:
        raise ValueError(f"money has more than {MONEY_DIGITS} digits")
    return value


def _at_least_cents(amount: Decimal) -> Decimal:
    exponent = amount.as_tuple().exponent
    return amount.quantize(CENT) if isinstance(exponent, int) and exponent > -2 else amount


Money = Annotated[
    Decimal,
    BeforeValidator(_plain_decimal),
    AfterValidator(_at_least_cents),
    WithJsonSchema({"type": "string", "pattern": MONEY_PATTERN, "examples": ["187.50"]}),
]
"""An amount or a price in the account's currency, with cents. A string in JSON, a number in
DynamoDB, never a float.
"""


PositiveMoney = Annotated[
    Money,
    Field(gt=0),
    WithJsonSchema({"type": "string", "pattern": POSITIVE_PATTERN, "examples": ["187.50"]}),
]


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds: sorts as text, reads as time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Timestamp = Annotated[AwareDatetime, PlainSerializer(iso, return_type=str)]
Day = Annotated[date, PlainSerializer(date.isoformat, return_type=str)]


class Side(StrEnum):
    """Which way the client trades."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, −1 for a sell: what a fill does to the number of shares."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    """How the order names its price. A stop order rests until the exchange's last price reaches its
    stop price.
    """

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"

    @property
    def has_limit(self) -> bool:
        """Whether it carries a limit price."""
        return self in (OrderType.LIMIT, OrderType.STOP_LIMIT)

    @property
    def has_stop(self) -> bool:
        """Whether it carries a stop price."""
        return self in (OrderType.STOP, OrderType.STOP_LIMIT)


class TimeInForce(StrEnum):
    """How long the order stands (FIX tag 59)."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"

    @property
    def rests(self) -> bool:
        """Whether a remainder may wait at the exchange."""
        return self in (TimeInForce.DAY, TimeInForce.GTC)
