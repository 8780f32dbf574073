"""Fields that requests share: identifiers, quantities and times."""

import re
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, WithJsonSchema

from trading.domain import patterns
from trading.domain.patterns import whole

Symbol = Annotated[str, Field(pattern=whole(patterns.SYMBOL))]
Name = Annotated[str, Field(pattern=whole(patterns.NAME))]
"""A client id, an API key or a settlement account."""
Code = Annotated[
    str,
    Field(
        pattern=whole(f"({patterns.TOTP_CODE}|{patterns.RECOVERY_CODE})"),
        description="Six digits of the authenticator, or a recovery code.",
        examples=["492039"],
    ),
]
Quantity = Annotated[int, Field(gt=0, le=1_000_000_000, strict=True)]

PathId = Annotated[str, Path(min_length=1, max_length=128, pattern=whole(patterns.PATH_ID))]
"""An identifier in a path."""


def _free_text(value: str) -> str:
    if not re.fullmatch(patterns.FREE_TEXT, value):
        raise ValueError("must be one line of visible text, without control characters")
    return value


FreeText = Annotated[
    str,
    AfterValidator(_free_text),
    Field(json_schema_extra={"pattern": whole(patterns.FREE_TEXT)}),
]
"""A text that an operator writes for people."""


def _moment(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(patterns.MOMENT, value):
        raise ValueError(
            "a time is written in ISO 8601 with its offset, for instance 2026-11-23T15:00:00Z"
        )
    return value


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": whole(patterns.MOMENT)}),
]
"""A time in a query."""
