"""The period in the query of a list. It begins at `from` and ends before `to`."""

from datetime import datetime
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from trading.adapters.http.fields import Moment
from trading.adapters.http.problems import FieldError
from trading.adapters.http.request_reading import invalid

From = Annotated[Moment | None, Query(alias="from", description="At this time or later.")]
To = Annotated[Moment | None, Query(description="Before this time.")]


def check(first: datetime | None, until: datetime | None) -> None:
    """Raise HttpError 422 for an empty period."""
    if first is not None and until is not None and first >= until:
        raise invalid([FieldError(field="to", message="must be later than `from`")])
