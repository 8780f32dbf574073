"""Reading the reports of exchanges: as tolerantly as their answers, unlike requests of clients."""

from typing import Any

from trading.adapters.http.request_reading import Reading, key_twice, malformed
from trading.adapters.venues.answers import UnreadableError, decode
from trading.domain import patterns


def parse_report(text: str) -> Any:
    """The JSON of a report. Raises HttpError 400 for what is not JSON, or has a key twice."""
    try:
        return decode(text)
    except UnreadableError as error:
        if error.field is not None:
            raise key_twice(error.field) from None
        raise malformed("The body is not valid JSON.") from None


REPORTS = Reading(parse_report, patterns.REPORT_KEY, "1 to 1024 printable ASCII characters")
