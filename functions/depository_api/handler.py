"""The simulated depository's API: settle instructions, list confirmations."""

import re
import time
from datetime import UTC, date, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from simulators.adapters.api import VenueApi
from simulators.adapters.configuration import DEPOSITORY, Configuration
from simulators.adapters.depository_store import DepositoryStore
from simulators.adapters.secrets import VenueSecrets
from simulators.adapters.tables import CLIENT_CONFIG, Table
from simulators.dice import Dice
from simulators.problem import Problem
from simulators.settlement_desk import SettlementDesk
from trading.wire import SettlementInstruction

from functions.depository_api.settings import Settings

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def clock() -> datetime:
    """Now. Looked up at each use, so that a test can put another clock here."""
    return datetime.now(UTC)


settings = Settings()
logger = Logger()
metrics = Metrics()
table = Table(boto3.resource("dynamodb", config=CLIENT_CONFIG).meta.client, settings.depository_table)
api = VenueApi(
    VenueSecrets(boto3.client("secretsmanager", config=CLIENT_CONFIG), settings.venue_secret_prefix), lambda: clock()
)
desk = SettlementDesk(
    DepositoryStore(table), Configuration(table), Dice(settings.simulation_seed), lambda: clock(), time.sleep
)


@api.app.post("/depository/instructions")
def settle() -> Response[str]:
    api.authenticate(DEPOSITORY)
    confirmation = desk.settle(api.body(SettlementInstruction))
    metrics.add_metric(f"Instructions{confirmation.status.capitalize()}", MetricUnit.Count, 1)
    return api.answer(200, confirmation)


@api.app.get("/depository/confirmations")
def confirmations() -> Response[str]:
    api.authenticate(DEPOSITORY, query=("settlement_date", "cursor"))
    parameters = api.app.current_event.query_string_parameters or {}
    return api.answer(
        200, desk.confirmations(parse_date(parameters.get("settlement_date", "")), parameters.get("cursor"))
    )


def parse_date(text: str) -> date:
    """Raise Problem 400 unless it is an ISO 8601 calendar date."""
    try:
        if ISO_DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError as error:
        raise Problem(400, "BAD_DATE", "settlement_date is not a date") from error
    raise Problem(400, "BAD_DATE", "settlement_date must be YYYY-MM-DD")


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An API Gateway proxy request."""
    return api.app.resolve(event, context)
