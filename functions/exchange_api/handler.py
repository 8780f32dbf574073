"""The simulated exchanges' API: submit, cancel, status, quotes."""

import re
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.exchange_api.settings import Settings
from simulators import bootstrap
from simulators.adapters.callbacks import check_callback_url
from simulators.problem import Problem
from simulators.reference import EXCHANGE_IDS
from trading.wire import SubmitOrder

ORDER_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


settings = Settings()
logger = Logger()
venue = bootstrap.exchange_api(settings)
api = venue.api


@api.app.post("/exchanges/<exchange_id>/orders")
def submit(exchange_id: str) -> Response[str]:
    authenticate(exchange_id)
    order = api.body(SubmitOrder)
    check_order_id(order.client_order_id, 422)
    check_callback_url(order.callback_url, settings.is_local)
    return api.answer(202, venue.entry.submit(exchange_id, order))


@api.app.delete("/exchanges/<exchange_id>/orders/<client_order_id>")
def cancel(exchange_id: str, client_order_id: str) -> Response[str]:
    authenticate(exchange_id)
    check_order_id(client_order_id, 404)
    return api.answer(200, venue.entry.cancel(exchange_id, client_order_id))


@api.app.get("/exchanges/<exchange_id>/orders/<client_order_id>")
def status(exchange_id: str, client_order_id: str) -> Response[str]:
    authenticate(exchange_id)
    check_order_id(client_order_id, 404)
    return api.answer(200, venue.entry.status(exchange_id, client_order_id))


@api.app.get("/quotes/<symbol>")
def quotes(symbol: str) -> Response[str]:
    """The quotes of all exchanges. A member of any exchange may ask for them."""
    authenticate(api.app.current_event.headers.get("X-Key-Id", ""))
    return api.answer(200, venue.entry.quotes(symbol))


def authenticate(exchange_id: str) -> None:
    """Raise Problem unless the exchange exists and its key signed the request."""
    if exchange_id not in EXCHANGE_IDS:
        raise Problem(401, "UNAUTHENTICATED", "the signature is missing, wrong or too old")
    api.authenticate(exchange_id)


def check_order_id(client_order_id: str, status: int) -> None:
    """Raise Problem unless the id needs no encoding in a path."""
    if not ORDER_ID.fullmatch(client_order_id):
        raise Problem(
            status, "BAD_ORDER_ID", "client order ids are letters, digits and _.:- only, 64 at most"
        )


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.resolve(event, context)
