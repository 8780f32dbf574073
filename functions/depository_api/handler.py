"""The simulated depository's API: settle instructions, list confirmations."""

import re
import time
from datetime import UTC, date, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.depository_api.settings import Settings
from simulators.adapters.api import VenueApi
from simulators.adapters.configuration import DEPOSITORY, Configuration
from simulators.adapters.depository_store import DepositoryStore
from simulators.adapters.metrics import count
from simulators.adapters.secrets import VenueSecrets
from simulators.adapters.tables import CLIENT_CONFIG, Table
from simulators.dice import Dice
from simulators.problem import Problem
from simulators.settlement_desk import SettlementDesk
from trading.wire import SettlementInstruction

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def now() -> datetime:
    """Now. Looked up at each use, so that a test can put another clock here."""
    return datetime.now(UTC)


settings = Settings()
logger = Logger()
table = Table(
    boto3.resource("dynamodb", config=CLIENT_CONFIG).meta.client, settings.depository_table
)
api = VenueApi(
    VenueSecrets(
        boto3.client("secretsmanager", config=CLIENT_CONFIG),
        settings.venue_secret_prefix,
        lambda: now(),
    )
)
desk = SettlementDesk(
    DepositoryStore(table),
    Configuration(table, lambda: now()),
    Dice(settings.simulation_seed),
    lambda: now(),
    time.sleep,
)


@api.app.post("/depository/instructions")
def settle() -> Response[str]:
    api.authenticate(DEPOSITORY)
    instruction = api.body(SettlementInstruction)
    parse_date(api.app.current_event.json_body["settlement_date"], 422)
    confirmation = desk.settle(instruction)
    count(f"Instructions{confirmation.status.capitalize()}")
    return api.answer(200, confirmation)


@api.app.get("/depository/confirmations")
def confirmations() -> Response[str]:
    api.authenticate(DEPOSITORY, query=("settlement_date", "cursor"))
    parameters = api.app.current_event.query_string_parameters or {}
    settlement_date = parse_date(parameters.get("settlement_date"), 400)
    return api.answer(200, desk.confirmations(settlement_date, parameters.get("cursor")))


def parse_date(value: object, status: int) -> date:
    """Raise Problem unless it is a calendar date as YYYY-MM-DD: a model alone takes numbers and
    instants too.
    """
    try:
        if isinstance(value, str) and ISO_DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError as error:
        raise Problem(status, "BAD_DATE", "settlement_date is not in the calendar") from error
    raise Problem(status, "BAD_DATE", "settlement_date must be YYYY-MM-DD")


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An API Gateway proxy request."""
    return api.app.resolve(event, context)
