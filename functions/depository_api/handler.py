"""The simulated depository's API: settle instructions, list confirmations."""

import re
from datetime import date
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.depository_api.settings import Settings
from simulators import bootstrap
from simulators.adapters.configuration import DEPOSITORY
from simulators.adapters.metrics import count
from simulators.problem import Problem
from trading.wire import SettlementInstruction

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


logger = Logger()
venue = bootstrap.depository_api(Settings())
api = venue.api


@api.app.post("/depository/instructions")
def settle() -> Response[str]:
    api.authenticate(DEPOSITORY)
    instruction = api.body(SettlementInstruction)
    parse_date(api.app.current_event.json_body["settlement_date"], 422)
    confirmation = venue.desk.settle(instruction)
    count(f"Instructions{confirmation.status.capitalize()}")
    return api.answer(200, confirmation)


@api.app.get("/depository/confirmations")
def confirmations() -> Response[str]:
    api.authenticate(DEPOSITORY, query=("settlement_date", "cursor"))
    parameters = api.app.current_event.query_string_parameters or {}
    settlement_date = parse_date(parameters.get("settlement_date"), 400)
    return api.answer(200, venue.desk.confirmations(settlement_date, parameters.get("cursor")))


def parse_date(value: object, status: int) -> date:
    """Raise Problem unless the text is a calendar date as YYYY-MM-DD. A pydantic model would also
    accept numbers and times.
    """
    try:
        if isinstance(value, str) and ISO_DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError as error:
        raise Problem(status, "BAD_DATE", "settlement_date is not in the calendar") from error
    raise Problem(status, "BAD_DATE", "settlement_date must be YYYY-MM-DD")


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.resolve(event, context)
