"""Amounts and prices in requests: decimal text, by the very pattern that the API's documents state."""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from trading.domain.values import Money

SOME_CENTS = "0[.]([1-9][0-9]?|0[1-9])"
PRICE = "^([1-9][0-9]{0,6}([.][0-9]{1,4})?|0[.]([1-9][0-9]{0,3}|0[1-9][0-9]{0,2}|00[1-9][0-9]?|000[1-9]))$"
AMOUNT = f"^([1-9][0-9]{{0,11}}([.][0-9]{{1,2}})?|{SOME_CENTS})$"
AMOUNT_OR_ZERO = "^(0|[1-9][0-9]{0,11})([.][0-9]{1,2})?$"
PERCENT = f"^(100([.]0{{1,2}})?|[1-9][0-9]?([.][0-9]{{1,2}})?|{SOME_CENTS})$"


def _text(pattern: str, example: str) -> tuple[BeforeValidator, WithJsonSchema]:
    def check(value: object) -> object:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"a plain decimal number as text, for instance {example}, of the form {pattern}")
        return value

    return BeforeValidator(check), WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


Price = Annotated[Money, *_text(PRICE, "187.50")]
"""Up to 9,999,999.9999, never zero."""
Amount = Annotated[Money, *_text(AMOUNT, "1000.00")]
"""Whole cents, never zero."""
AmountOrZero = Annotated[Money, *_text(AMOUNT_OR_ZERO, "1000.00")]
Percent = Annotated[Money, *_text(PERCENT, "50.00")]
"""Up to 100, in hundredths, never zero."""
