"""Digests of requests. They are made of validated values, so the spelling of a request does not
matter: `58.50` and `58.500` are one price, and two writings of one instant are one time.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from pydantic import BaseModel

from trading.domain.values import iso


def digest(*values: object) -> str:
    """SHA-256 of the values in hexadecimal. A model counts with all of its fields, so a field that
    is left out equals its default. Raises TypeError for a type that has no canonical form here.
    """
    text = json.dumps([canonical(value) for value in values], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: object) -> object:
    """The value in JSON types: equal values have equal forms."""
    match value:
        case None | bool():
            return value
        case Enum():
            return canonical(value.value)
        case int() | str():
            return value
        case Decimal():
            return plain(value)
        case datetime():
            return iso(value)
        case date():
            return value.isoformat()
        case BaseModel():
            return {name: canonical(getattr(value, name)) for name in type(value).model_fields}
        case Mapping():
            return {str(name): canonical(each) for name, each in value.items()}
        case list() | tuple():
            return [canonical(each) for each in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def plain(number: Decimal) -> str:
    """The number without an exponent and without trailing zeros, which mean nothing."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
