"""The internal API: the stages of an order's life, asked for by hand or by another system."""

from http import HTTPStatus

import boto3
from aws_lambda_powertools.event_handler import Response
from trading.adapters import stages, views
from trading.adapters.api import ApiResolver, PathId, json_response
from trading.adapters.aws import CLIENT_CONFIG
from trading.adapters.clock import now
from trading.adapters.idempotency import Idempotency, Outcome
from trading.adapters.settings import load
from trading.adapters.views import ClearingDetail, ExecutionSummary, SettlementDetail
from trading.domain.calendar import NEW_YORK
from trading.domain.ledger import Novation
from trading.domain.orders import OrderStatus
from trading.usecases.ports import NotFoundError

from functions.internal.settings import Settings

settings = load(Settings)
books = stages.books(settings)
execution = stages.execution_stage(settings)
clearing = stages.clearing_stage(settings)
settlement = stages.settlement_stage(settings)
idempotency = Idempotency(boto3.client("dynamodb", config=CLIENT_CONFIG), settings.idempotency_table)
app = ApiResolver()


@app.post("/api/v1/execution/<order_id>", permission="execution:write", summary="Execute an order", tags=["Internal"])
def execute(order_id: PathId) -> Response[ExecutionSummary]:
    """Route the order, or answer with what has been executed. 202 as long as exchanges are still at work on it."""

    def effect() -> ExecutionSummary:
        order = books.order(order_id)
        if order is None:
            raise NotFoundError("There is no such order.", field="order_id")
        if order.status is OrderStatus.VALIDATED:
            order = execution.execute(order_id)
        return views.execution_summary(order, books.entries(order.trades))

    outcome: Outcome[ExecutionSummary] = idempotency.once(app, app.principal.client_id, ExecutionSummary, effect)
    at_work = outcome.answer.status in (OrderStatus.ROUTING, OrderStatus.PARTIALLY_FILLED)
    return json_response(outcome.answer, HTTPStatus.ACCEPTED if at_work else HTTPStatus.OK, outcome.headers)


@app.post("/api/v1/clearing/<trade_id>", permission="clearing:write", summary="Clear a trade", tags=["Internal"])
def clear(trade_id: PathId) -> Response[ClearingDetail]:
    """Clear the trade, together with the other trades of its order, or answer with how it was cleared."""

    def effect() -> ClearingDetail:
        fill = books.fill(trade_id)
        if fill is None:
            raise NotFoundError("There is no such trade.", field="trade_id")
        clearing(fill.order_id)
        novation = next((e for e in books.entries([trade_id]) if isinstance(e, Novation)), None)
        if novation is None:
            raise NotFoundError("The trade was not cleared.", field="trade_id")
        return views.clearing_detail(novation)

    outcome = idempotency.once(app, app.principal.client_id, ClearingDetail, effect)
    return json_response(outcome.answer, headers=outcome.headers)


@app.post("/api/v1/settlement/<trade_id>", permission="settlement:write", summary="Settle a trade", tags=["Internal"])
def settle(trade_id: PathId) -> Response[SettlementDetail]:
    """Settle the trade if it is due, or answer with how it was settled."""

    def effect() -> SettlementDetail:
        return views.settlement_detail(settlement.settle_trade(trade_id, now().astimezone(NEW_YORK).date()))

    outcome = idempotency.once(app, app.principal.client_id, SettlementDetail, effect)
    return json_response(outcome.answer, headers=outcome.headers)


handler = app.resolve
