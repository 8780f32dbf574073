"""The internal API: the steps of an order's life, for operators and other systems.

The path names the step. Every step happens once. A repetition under any Idempotency-Key gets the
recorded answer, which is marked as replayed. A request that was refused is refused again under its
key.
"""

from collections.abc import Callable
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from functions.internal.settings import Settings
from trading.adapters.faces.trades import (
    ClearingDetail,
    ExecutionSummary,
    SettlementDetail,
    clearing_detail,
    execution_summary,
    settlement_detail,
)
from trading.adapters.http.fields import PathId
from trading.adapters.http.idempotency import REPLAYED_HEADER, Idempotency, Result
from trading.adapters.http.problems import unavailable
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.http.signed_requests import Required
from trading.adapters.runtime.observability import logger
from trading.adapters.runtime.settings import load
from trading.bootstrap import clearing, clients, messaging, settlement, signatures
from trading.bootstrap.api import throttle
from trading.bootstrap.books import table_books
from trading.bootstrap.operator_record import operator_record
from trading.domain.ledger import Novation, Settlement
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.usecases.orders import order_messages
from trading.usecases.ports import NotFoundError, OutcomeUnknownError, StaleError

settings = load(Settings)
books = table_books(settings)
idempotency = Idempotency(clients.dynamodb(), settings.idempotency_table)
mailboxes = messaging.mailboxes(execution_queue_url=settings.execution_queue_url)
clear_trades = clearing.clear_trades(settings)
settle_obligations = settlement.settle_obligations(settings)
record = operator_record(settings)
app = ApiResolver(
    throttle(settings),
    origins=settings.origins,
    on_forbidden=record.refused,
    signed=signatures.of_operators(settings),
)
RECORDED = {REPLAYED_HEADER: "true"}


@app.post(
    "/api/v1/execution/<order_id>",
    permission="execution:write",
    summary="Execute an order",
    tags=["Internal"],
    responses={
        200: {"description": "The order is over. The answer shows its execution."},
        202: {"description": "The order is still working at exchanges."},
    },
)
def execute(order_id: PathId) -> Response[ExecutionSummary]:
    """Execute the order, or answer with its execution so far. The answer is 202 while execution is
    under way.

    The order goes through the mailbox of its client, like every order. So each order has one
    writer.
    """
    order = _refused_once(lambda: _execute(order_id))
    summary = execution_summary(order, books.entries(order.trades))
    if order.is_open or order.is_pending:
        return json_response(summary, HTTPStatus.ACCEPTED)
    return json_response(summary, headers=RECORDED)


def _execute(order_id: str) -> Order:
    order = books.order(order_id)
    if order is None:
        raise NotFoundError("There is no such order.", field="order_id")
    if order.status is OrderStatus.VALIDATED:
        mailboxes.execution(order_messages.execute(order))
    return order


@app.post(
    "/api/v1/clearing/<trade_id>",
    permission="clearing:write",
    summary="Clear a trade",
    tags=["Internal"],
)
def clear(trade_id: PathId) -> Response[ClearingDetail]:
    """Clear the trade together with the other trades of its order, or answer how it was cleared."""
    return _refused_once(lambda: _clear(trade_id))


def _clear(trade_id: str) -> Response[ClearingDetail]:
    recorded = _novation(trade_id)
    if recorded:
        return json_response(clearing_detail(recorded), headers=RECORDED)
    fill = books.fill(trade_id)
    if fill is None:
        raise NotFoundError("There is no such trade.", field="trade_id")
    clear_trades(fill.order_id)
    novation = _novation(trade_id)
    if novation is None:
        raise StaleError
    return json_response(clearing_detail(novation))


@app.post(
    "/api/v1/settlement/<trade_id>",
    permission="settlement:write",
    signature=Required.ALWAYS,
    summary="Settle a trade",
    tags=["Internal"],
)
def settle(trade_id: PathId) -> Response[SettlementDetail]:
    """Settle the trade if it is due, or answer how it was settled."""
    return _refused_once(lambda: _settle(trade_id))


def _settle(trade_id: str) -> Response[SettlementDetail]:
    recorded = next((e for e in books.entries([trade_id]) if isinstance(e, Settlement)), None)
    if recorded:
        return json_response(settlement_detail(recorded), headers=RECORDED)
    try:
        settled = settle_obligations.settle_trade(trade_id)
    except OutcomeUnknownError as error:
        logger.warning("the depository did not answer", exc_info=True)
        raise unavailable(
            "The depository did not answer; ask again.", retry_after_seconds=5
        ) from error
    return json_response(settlement_detail(settled))


def _refused_once(step: Callable[[], Result]) -> Result:
    return idempotency.refused_once(app, app.principal.api_key, step)


def _novation(trade_id: str) -> Novation | None:
    return next((e for e in books.entries([trade_id]) if isinstance(e, Novation)), None)


handler = app.resolve
