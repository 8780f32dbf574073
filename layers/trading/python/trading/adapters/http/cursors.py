"""Pages of a list: how many, and an opaque cursor that says where the next one begins."""

import base64
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from trading.adapters.http.problems import FieldError, HttpError, ProblemCode

MAX_CURSOR = 512

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=MAX_CURSOR,
        description="The `next_cursor` of the page before; none for the first.",
    ),
]


def encode(*place: str) -> str:
    """A cursor for a place: the values that name the last item of a page. It is no secret, and
    grants nothing.
    """
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def decode(cursor: str, length: int) -> Sequence[str]:
    """The place of a cursor, `length` values that the caller checks like any input. Raises
    HttpError 400 INVALID_CURSOR.
    """
    try:
        place = json.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
    except (ValueError, RecursionError):
        raise invalid() from None
    if (
        not isinstance(place, list)
        or len(place) != length
        or not all(isinstance(value, str) for value in place)
    ):
        raise invalid()
    return place


def invalid() -> HttpError:
    """What a cursor that is none of ours gets."""
    message = "The cursor is none of this list's: begin again without one."
    return HttpError(
        HTTPStatus.BAD_REQUEST,
        ProblemCode.INVALID_CURSOR,
        message,
        errors=[FieldError(field="cursor", message=message)],
    )
