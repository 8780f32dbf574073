"""Starts the matching of an order that has just arrived."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from simulators.adapters.metrics import count

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

logger = Logger(child=True)


class Matching:
    """Invokes the matching function and does not wait for its answer."""

    def __init__(self, client: LambdaClient, function_name: str) -> None:
        self._client = client
        self._function_name = function_name

    def start(self, exchange_id: str, client_order_id: str) -> None:
        """Have the order matched now. If this fails, the next tick of the session matches the
        order.
        """
        count("OrdersAccepted")
        event = {"kind": "order", "exchange_id": exchange_id, "client_order_id": client_order_id}
        try:
            self._client.invoke(
                FunctionName=self._function_name,
                InvocationType="Event",
                Payload=json.dumps(event),
            )
        except (BotoCoreError, ClientError):
            logger.exception("matching was not started; the session will", extra=event)
