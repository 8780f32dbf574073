"""Pushes the new events of a client to its connections."""

from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.push.settings import Settings
from trading.adapters.messaging.pushes import PushRequest
from trading.adapters.runtime.deadlines import invocation_deadline
from trading.adapters.runtime.observability import logger, step
from trading.adapters.runtime.settings import load
from trading.bootstrap.stream import push_events

LEFT_FOR_THE_END = timedelta(seconds=10)

push = push_events(load(Settings))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Take `{client_id}`."""
    request = PushRequest.model_validate(event)
    with step("events pushed") as line:
        line.facts["client_id"] = request.client_id
        push(request.client_id, invocation_deadline(context, LEFT_FOR_THE_END))
