"""The internal API's authorizer."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.internal_authorizer.settings import Settings
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap.authorizers import internal_authorizer

authorize = internal_authorizer(load(Settings)).authorize


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return authorize(event)
