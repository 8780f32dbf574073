"""Pages of a list: their size, and the opaque cursor that says where the next page begins."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from trading.adapters.http.digests import digest
from trading.adapters.http.problems import FieldError, HttpError, ProblemCode

MAX_CURSOR = 512

Limit = Annotated[int, Query(ge=1, le=200, description="The greatest number of items on the page.")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=MAX_CURSOR,
        description="The `next_cursor` of the previous page. Leave it out for the first page.",
    ),
]


def encode(*place: str) -> str:
    """The cursor that points after these values, which name the last item of a page. A cursor is no
    secret and grants nothing.
    """
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def decode(cursor: str, length: int) -> Sequence[str]:
    """The `length` values in a cursor, which the caller checks like any input. Raises HttpError 400
    INVALID_CURSOR.
    """
    if not cursor:
        raise invalid("The cursor is empty: leave it out for the first page.")
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


@dataclass(frozen=True)
class ListCursors:
    """The cursors of one list. `of` names the list, its client and its filters.

    A cursor has a checksum over them and over its values. So no other list takes it, nor does this
    list if a value has changed. The checksum is no secret: the caller checks the values all the
    same.
    """

    of: tuple[object, ...]

    def encode(self, *place: str) -> str:
        """The cursor that points after these values."""
        return encode(self._checksum(place), *place)

    def decode(self, cursor: str, length: int) -> Sequence[str]:
        """The `length` values in a cursor of this list. Raises HttpError 400 INVALID_CURSOR."""
        checksum, *place = decode(cursor, length + 1)
        if checksum != self._checksum(place):
            raise invalid()
        return place

    def _checksum(self, place: Sequence[str]) -> str:
        return digest(*self.of, *place)[:16]


def invalid(
    message: str = "The cursor does not belong to this list: begin again without one.",
) -> HttpError:
    return HttpError(
        HTTPStatus.BAD_REQUEST,
        ProblemCode.INVALID_CURSOR,
        message,
        errors=[FieldError(field="cursor", message=message)],
    )
