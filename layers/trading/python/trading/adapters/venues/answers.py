"""Reading what venues send: their answers, and the JSON of their reports.

Here, and only here, the size, depth and lengths of an answer are bounded. The size of a report is
that of a request.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from trading.adapters.runtime.observability import count, logger
from trading.metrics import Metric
from trading.received import Received
from trading.usecases.ports import OutcomeUnknownError

if TYPE_CHECKING:
    import urllib3

MAX_BYTES = 1024 * 1024
"""A page of confirmations and an order with a thousand executions are a fifth of it."""
MAX_DEPTH = 8
MAX_TEXT = 4096
MAX_ENTRIES = 5000
"""Of a list, or of the fields of an object."""
MAX_DIGITS = 40
"""Of a number, also when it is written out."""
CHUNK_BYTES = 64 * 1024
NO_CHARACTERS = dict.fromkeys((0xFFFE, 0xFFFF), "\ufffd")

Answer = TypeVar("Answer", bound=Received)


class UnreadableError(ValueError):
    """A document is too long, nested too deeply, or not JSON. `field`: the key that is there
    twice.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Unreadable:
    """A number that cannot be read. No model takes it, so its field is set aside or refused."""

    literal: str

    def __repr__(self) -> str:
        return self.literal


def bounded_body(
    response: urllib3.BaseHTTPResponse, seconds_left: Callable[[], float]
) -> bytes | None:
    """The body of a response, as it came over the wire. None if it is or takes too long.

    `seconds_left`: a time-out of the socket alone would let a venue send a byte now and then.
    """
    body = bytearray()
    while seconds_left() > 0:
        chunk = response.read1(CHUNK_BYTES, decode_content=False)
        body += chunk
        if not chunk:
            return bytes(body)
        if len(body) > MAX_BYTES:
            break
    return None


def read(model: type[Answer], body: bytes, venue_id: str, path: str) -> Answer:
    """Read an answer. What is not understood is logged and counted.

    Raises OutcomeUnknownError if the answer cannot be read.
    """
    try:
        answer = model.model_validate(parse(body))
    except ValidationError as error:
        raise OutcomeUnknownError(
            f"{path}: unreadable answer: {error.error_count()} errors"
        ) from error
    except UnreadableError as error:
        raise OutcomeUnknownError(f"{path}: unreadable answer: {error}") from error
    note(venue_id, path, answer)
    return answer


def note(venue_id: str, subject: str, received: Received) -> None:
    """Log and count what was set aside of a document."""
    if aside := dict(received.set_aside()):
        logger.warning("not understood", venue_id=venue_id, subject=subject, said=aside)
        count(Metric.NOT_UNDERSTOOD)


def parse(body: bytes) -> Any:
    """The JSON of an answer, with exact numbers. Raises UnreadableError."""
    if len(body) > MAX_BYTES:
        raise UnreadableError(f"longer than {MAX_BYTES} bytes")
    parsed = decode(body)
    check_bounds(parsed)
    return parsed


def decode(document: bytes | str) -> Any:
    """The JSON of a document, with exact numbers, and with Unreadable for those that are none.

    Raises UnreadableError for what is no JSON, and for an object with a key twice.
    """
    try:
        return json.loads(
            document,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=Unreadable,
            object_pairs_hook=_once,
        )
    except UnreadableError:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UnreadableError(f"not JSON: {error}"[:200]) from error


def check_bounds(document: Any) -> None:
    """Raise UnreadableError for a document that is too deep, or has a too long text or list."""
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise UnreadableError(f"deeper than {MAX_DEPTH} levels")


def _inside(value: Any) -> list[Any]:
    """The values inside a value. Raises UnreadableError for one that is too long."""
    match value:
        case str():
            if len(value) > MAX_TEXT:
                raise UnreadableError(f"a text of {len(value)} characters")
            return []
        case dict() | list():
            if len(value) > MAX_ENTRIES:
                raise UnreadableError(f"{len(value)} entries")
            return [*value, *value.values()] if isinstance(value, dict) else value
    return []


def _decimal(literal: str) -> Decimal | Unreadable:
    """The exact number, unless it takes long to expand."""
    if len(literal) > MAX_DIGITS or abs((number := Decimal(literal)).adjusted()) > MAX_DIGITS:
        return Unreadable(literal)
    return number


def _integer(literal: str) -> int | Unreadable:
    return Unreadable(literal) if len(literal) > MAX_DIGITS else int(literal)


def _well_formed(value: Any) -> Any:
    """A text without half a surrogate pair, which can be escaped in JSON but not stored, and
    without the two characters that SQS refuses. A venue that cuts a text may leave half a pair.
    """
    if not isinstance(value, str) or value.isascii():
        return value
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.translate(NO_CHARACTERS)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = {_well_formed(name): _well_formed(value) for name, value in pairs}
    if len(fields) < len(pairs):
        names = [_well_formed(name) for name, _ in pairs]
        raise UnreadableError("a field twice", next(n for n in names if names.count(n) > 1))
    return fields
