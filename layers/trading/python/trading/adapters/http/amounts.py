"""Amounts and prices in requests: decimals in strings or JSON numbers, taken exactly."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic.config import JsonDict

from trading.adapters.http.digests import plain
from trading.domain.values import Money

DECIMAL_FORMS: JsonDict = {"anyOf": [{"type": "string"}, {"type": "number"}]}
"""For JSON schemas that say which fields go together."""
SOME_CENTS = "0[.]([1-9][0-9]?|0[1-9])"
PRICE = (
    "^([1-9][0-9]{0,6}([.][0-9]{1,4})?"
    "|0[.]([1-9][0-9]{0,3}|0[1-9][0-9]{0,2}|00[1-9][0-9]?|000[1-9]))$"
)
AMOUNT = f"^([1-9][0-9]{{0,11}}([.][0-9]{{1,2}})?|{SOME_CENTS})$"
AMOUNT_OR_ZERO = "^(0|[1-9][0-9]{0,11})([.][0-9]{1,2})?$"
PERCENT = f"^(100([.]0{{1,2}})?|[1-9][0-9]?([.][0-9]{{1,2}})?|{SOME_CENTS})$"


def _decimal(pattern: str, example: str, **bounds: float) -> tuple[BeforeValidator, WithJsonSchema]:
    """The check and the schema of a decimal.
    `bounds` states the rules of the pattern for numbers.
    """

    def check(value: object) -> object:
        text = value
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            text = plain(Decimal(value))
        if not isinstance(text, str) or not re.fullmatch(pattern, text):
            raise ValueError(
                f"a plain decimal number, for instance {example}, of the form {pattern}"
            )
        return plain(Decimal(text))

    forms: list[JsonDict] = [{"type": "string", "pattern": pattern}, {"type": "number", **bounds}]
    return BeforeValidator(check), WithJsonSchema({"anyOf": forms, "examples": [example]})


Price = Annotated[Money, *_decimal(PRICE, "187.50", minimum=0.0001, exclusiveMaximum=10_000_000)]
"""Up to 9,999,999.9999, never zero."""
Amount = Annotated[
    Money, *_decimal(AMOUNT, "1000.00", minimum=0.01, exclusiveMaximum=1_000_000_000_000)
]
"""Whole cents, never zero."""
AmountOrZero = Annotated[
    Money, *_decimal(AMOUNT_OR_ZERO, "1000.00", minimum=0, exclusiveMaximum=1_000_000_000_000)
]
Percent = Annotated[Money, *_decimal(PERCENT, "50.00", minimum=0.01, maximum=100)]
"""Up to 100, in hundredths, never zero."""
