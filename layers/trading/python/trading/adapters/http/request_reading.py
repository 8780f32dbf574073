"""How a request is read: each part by one reader, and strictly. What is ambiguous or unknown is
refused. See docs/explanation/requests.md.
"""

import base64
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from email.message import Message
from http import HTTPStatus
from typing import Any, NamedTuple, get_args

from aws_lambda_powertools.event_handler import content_types
from aws_lambda_powertools.event_handler.openapi.compat import is_scalar_field
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from trading.adapters.http.problems import MAX_FIELD_NAME, FieldError, HttpError, ProblemCode
from trading.domain import patterns

MAX_BODY_BYTES = 16 * 1024
MAX_NUMBER_LENGTH = 40
OUT_OF_RANGE = f"A number has more than {MAX_NUMBER_LENGTH} digits."
UTF_8 = ("utf-8", "utf8")
BYTE_ORDER_MARK = "\ufeff"
REPLACEMENT_CHARACTER = "\ufffd"
NO_CODING = {"Accept-Encoding": "identity"}


class Reading(NamedTuple):
    """How the parts of a request are read that depend on who sends it.

    parse: the JSON of a body. Raises HttpError 400. key_pattern: that of the Idempotency-Key.
    key_characters: the same in words.
    """

    parse: Callable[[str], Any]
    key_pattern: str
    key_characters: str


def header(event: APIGatewayProxyEvent, name: str) -> str:
    """The one value of a header, whatever the case of its name, or an empty text. Raises HttpError
    400 if the header is there twice.
    """
    values = _header_values(event, name)
    if len(values) > 1:
        raise HttpError(
            HTTPStatus.BAD_REQUEST,
            ProblemCode.HEADER_REPEATED,
            f"The header {name} takes one value.",
            errors=[FieldError(field=name, message="is given more than once")],
        )
    return values[0].strip() if values else ""


def idempotency_key(event: APIGatewayProxyEvent, reading: Reading) -> str:
    """The Idempotency-Key. Raises HttpError 400 when missing or malformed."""
    key = header(event, "idempotency-key")
    if not key:
        raise HttpError(
            HTTPStatus.BAD_REQUEST,
            ProblemCode.IDEMPOTENCY_KEY_REQUIRED,
            "The Idempotency-Key header is required.",
        )
    if not re.fullmatch(reading.key_pattern, key):
        raise HttpError(
            HTTPStatus.BAD_REQUEST,
            ProblemCode.IDEMPOTENCY_KEY_INVALID,
            f"The Idempotency-Key header takes {reading.key_characters}",
        )
    return key


def list_header(event: APIGatewayProxyEvent, name: str) -> str:
    """All values of a header that takes a list, joined by commas (RFC 9110, 5.3)."""
    return ", ".join(_header_values(event, name))


def header_pairs(event: APIGatewayProxyEvent) -> list[tuple[str, str]]:
    """All headers, each value apart."""
    named = event.get("multiValueHeaders") or {
        key: [value] for key, value in (event.get("headers") or {}).items()
    }
    return [(key, value) for key, values in named.items() for value in values]


def query_pairs(event: APIGatewayProxyEvent) -> list[tuple[str, str]]:
    """All query parameters, each value apart."""
    named = event.get("multiValueQueryStringParameters") or {
        name: [value] for name, value in (event.get("queryStringParameters") or {}).items()
    }
    return [(name, value) for name, values in named.items() for value in values]


def _header_values(event: APIGatewayProxyEvent, name: str) -> list[str]:
    return [value for key, value in header_pairs(event) if key.lower() == name]


def check_query(event: APIGatewayProxyEvent, parameters: Sequence[Any]) -> None:
    """Raise HttpError 422 for a query parameter that the route does not have, for one that is given
    twice unless it takes a list, and for a number or a truth value that is written otherwise than
    plainly. `parameters` are the fields of the route.
    """
    lists = {field.alias: not is_scalar_field(field) for field in parameters}
    forms = {field.alias: _forms_of(field.field_info.annotation) for field in parameters}
    several = event.multi_value_query_string_parameters
    errors = []
    for name in sorted({*event.query_string_parameters, *several}):
        if name not in lists:
            errors.append(
                FieldError(field=name[:MAX_FIELD_NAME], message="is not a parameter of this route")
            )
        elif len(several.get(name, ())) > 1 and not lists[name]:
            errors.append(FieldError(field=name, message="is given more than once"))
        else:
            values = several.get(name) or [event.query_string_parameters.get(name, "")]
            errors += [
                FieldError(field=name, message=f"must be {form.name}")
                for form in forms[name]
                if not all(form.pattern.fullmatch(value) for value in values)
            ]
    if errors:
        raise invalid(errors)


class _Form(NamedTuple):
    """How the values of a type are written in a query."""

    name: str
    pattern: re.Pattern[str]


FORMS: Mapping[object, _Form] = {
    int: _Form("a whole number in digits, such as 50", re.compile("[0-9]+")),
    bool: _Form("`true` or `false`", re.compile("true|false")),
}
"""Pydantic also reads `1_0`, `1.0`, ` 5` and `+5` as numbers, and `yes` and `1` as true."""


def _forms_of(annotation: Any) -> list[_Form]:
    """The forms for the types in an annotation, such as `int | None` or `list[int]`."""
    if annotation in FORMS:
        return [FORMS[annotation]]
    return [form for part in get_args(annotation) for form in _forms_of(part)]


def raw_body(event: APIGatewayProxyEvent) -> bytes:
    """The bytes of the body. API Gateway passes the body as text, or in base64 if it takes its
    media type for a binary one. Raises HttpError 413 if there are too many bytes.
    """
    body = event.body or ""
    try:
        raw = base64.b64decode(body, validate=True) if event.is_base64_encoded else body.encode()
    except ValueError:
        raise malformed("The body is not UTF-8.") from None
    if len(raw) > MAX_BODY_BYTES:
        raise HttpError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            ProblemCode.BODY_TOO_LARGE,
            f"A body may have at most {MAX_BODY_BYTES} bytes.",
        )
    return raw


def json_object(
    event: APIGatewayProxyEvent, raw: bytes, parse: Callable[[str], Any]
) -> dict[str, Any]:
    """The JSON object in the body. Raises HttpError 415, 400 MALFORMED_JSON, or 422 for JSON that
    is no object.
    """
    _check_media_type(event)
    document = parse(_text(raw))
    if not isinstance(document, dict):
        # Powertools would take the first element of a list for the body.
        raise invalid([FieldError(field="body", message="must be a JSON object")])
    return document


def check_no_body(raw: bytes) -> None:
    """Raise HttpError 422 if there is a body: the route takes none, so it would be ignored."""
    if raw:
        raise invalid([FieldError(field="body", message="this request takes no body")])


def _check_media_type(event: APIGatewayProxyEvent) -> None:
    coding = list_header(event, "content-encoding").lower()
    if coding not in ("", "identity"):
        raise _unsupported("Send the body without a Content-Encoding.", NO_CODING)
    declared = Message()
    declared["Content-Type"] = header(event, "content-type")
    if declared.get_content_type() != content_types.APPLICATION_JSON:
        raise _unsupported("The body must be application/json.")
    if not _is_utf_8(declared):
        raise _unsupported("The body must be in UTF-8.")


def _is_utf_8(declared: Message) -> bool:
    """Whether a Content-Type has no charset, or one, which is UTF-8."""
    try:
        parameters = declared.get_params() or []
    except (TypeError, ValueError):  # a value in parts (RFC 2231) that do not fit together
        return False
    charsets = [value for name, value in parameters[1:] if name.lower() == "charset"]
    return not charsets or (len(charsets) == 1 and str(charsets[0]).lower() in UTF_8)


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise malformed("The body is not UTF-8.") from None
    if text.startswith(BYTE_ORDER_MARK):
        raise malformed("The body begins with a byte order mark: send UTF-8 without one.")
    return text


def parse_json(text: str) -> Any:
    """JSON with exact numbers. Raises HttpError 400 for what is not JSON, and for an object with a
    key twice, of which readers choose differently (RFC 8259, 4).
    """
    if REPLACEMENT_CHARACTER in text:  # what API Gateway puts in place of bytes that are not UTF-8
        raise malformed("The body is not UTF-8.")
    try:
        document = json.loads(
            text, parse_constant=_no_constant, parse_float=_decimal, object_pairs_hook=_object
        )
        if "\\ud" in text.lower():  # half a surrogate pair can be escaped, but not stored
            json.dumps(document, ensure_ascii=False, default=str).encode()
        return document
    except (ValueError, ArithmeticError, RecursionError):
        raise malformed("The body is not valid JSON.") from None


def _object(pairs: Collection[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise key_twice(key)
        document[key] = value
    return document


def _decimal(literal: str) -> Decimal | int:
    """The exact value of a JSON number with a fraction or an exponent. An integral value becomes an
    int, because 1.0 is 1 in JSON Schema. A number too long to expand quickly is refused.
    """
    number = Decimal(literal) if len(literal) <= MAX_NUMBER_LENGTH else Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > MAX_NUMBER_LENGTH:
        raise malformed(OUT_OF_RANGE)
    return int(number) if number == number.to_integral_value() else number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


CLIENTS = Reading(
    parse_json, patterns.IDEMPOTENCY_KEY, "1 to 128 characters of A-Z a-z 0-9 . _ : -"
)


def key_twice(key: str) -> HttpError:
    return malformed(
        "The body has a key twice.",
        [FieldError(field=key[:MAX_FIELD_NAME], message="is given more than once")],
    )


def malformed(message: str, errors: Sequence[FieldError] = ()) -> HttpError:
    return HttpError(HTTPStatus.BAD_REQUEST, ProblemCode.MALFORMED_JSON, message, errors=errors)


def invalid(errors: Sequence[FieldError]) -> HttpError:
    """A request whose fields or parameters are not those of the route."""
    return HttpError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        ProblemCode.VALIDATION_FAILED,
        "The request does not have the required form.",
        errors=errors,
    )


def _unsupported(message: str, headers: dict[str, str] | None = None) -> HttpError:
    return HttpError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        ProblemCode.UNSUPPORTED_MEDIA_TYPE,
        message,
        headers=headers,
    )
