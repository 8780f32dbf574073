"""A page as CSV (RFC 4180), for requests with `Accept: text/csv`."""

import csv
import io
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from trading.domain.values import Frozen

MEDIA_TYPE = "text/csv"
JSON = "application/json"
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")


def documented(page: type[Frozen], rows: str) -> dict[int, dict[str, Any]]:
    """The `responses` of a route that answers a page as JSON or as CSV."""
    csv_schema = {"schema": {"type": "string"}}
    return {
        200: {
            "description": rows,
            "content": {JSON: {"model": page}, MEDIA_TYPE: csv_schema},
            "headers": {
                "Link": {
                    "description": "CSV only: the next page (`rel=next`), relative to this one.",
                    "schema": {"type": "string"},
                }
            },
        }
    }


def wanted(accept: str | None) -> bool:
    """Whether an Accept header prefers CSV to JSON. Without a preference the answer is JSON."""
    likes = dict(_media_range(part) for part in (accept or "").split(","))
    return likes.get(MEDIA_TYPE, 0.0) > likes.get(JSON, 0.0)


def _media_range(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
    return name, float(quality) if quality.replace(".", "", 1).isdecimal() else 0.0


def page(
    event: APIGatewayProxyEvent, model: type[Frozen], rows: Sequence[Frozen], cursor: str | None
) -> Response[Any]:
    """The rows under a header row of the model's fields. A Link (RFC 8288) with the same query
    names the next page.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(model.model_fields)
    writer.writerows(map(_cell, row.model_dump().values()) for row in rows)
    headers: dict[str, str | list[str]] = {"Vary": "Accept"}
    if cursor is not None:
        query: Mapping[str, str] = {**(event.query_string_parameters or {}), "cursor": cursor}
        headers["Link"] = f'<?{urlencode(query)}>; rel="next"'
    return Response(HTTPStatus.OK, f"{MEDIA_TYPE}; charset=utf-8", text.getvalue(), headers=headers)


def _cell(value: object) -> object:
    """The value of a cell. A text that a spreadsheet would take for a formula gets an apostrophe
    before it.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_BEGINS) else value
