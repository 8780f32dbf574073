"""The execution of orders."""

from __future__ import annotations

from trading.adapters.dynamodb.prices import TableLastPrices
from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import Counters
from trading.adapters.runtime.settings import http_api_url
from trading.adapters.venues.exchanges import HttpExchanges, circuit_store
from trading.adapters.venues.health import TableVenueHealth
from trading.bootstrap import clients
from trading.bootstrap.books import table_books
from trading.bootstrap.messaging import mailboxes, order_lifecycle
from trading.bootstrap.settings import ExecutionSettings
from trading.bootstrap.venues import EXCHANGE_READ_TIMEOUT_SECONDS, venue_http
from trading.usecases.execution.advance_order import AdvanceOrder
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.execution.continue_workflow import ContinueWorkflow
from trading.usecases.execution.correct_execution import CorrectExecution
from trading.usecases.execution.end_early import EndEarly
from trading.usecases.execution.give_up_order import GiveUpOrder
from trading.usecases.execution.handle_execution_message import HandleExecutionMessage
from trading.usecases.execution.hold_for_market import HoldForMarket
from trading.usecases.execution.route_order import RouteOrder
from trading.usecases.execution.send_in_sequence import SendInSequence
from trading.usecases.execution.submit_child import SubmitChild
from trading.wire import CALLBACK_PATH


def handle_execution_message(settings: ExecutionSettings) -> HandleExecutionMessage:
    dynamodb = clients.dispensable_dynamodb()
    monitor, books = Counters(), table_books(settings)
    health = TableVenueHealth(dynamodb, settings.control_table, books.exchanges, clock.now)
    exchanges = HttpExchanges(
        venue_http(settings, EXCHANGE_READ_TIMEOUT_SECONDS, settings.exchange_key_ids),
        circuit_store(dynamodb, settings.control_table),
        settings.tape_key_id,
    )
    prices = TableLastPrices(dynamodb, settings.control_table, clock.now)
    clearing = mailboxes(clearing_queue_url=settings.clearing_queue_url)
    callback_url = http_api_url(settings.callbacks_api_id) + CALLBACK_PATH
    correct = CorrectExecution(books, prices, monitor, clock.now)
    book = BookExecution(books, correct, health, prices, monitor, clock.now)
    submit = SubmitChild(exchanges, book, monitor, callback_url)
    end_early = EndEarly(books, exchanges, book, monitor, clock.now)
    route = RouteOrder(books, exchanges, health, book, submit, end_early, monitor, clock.now)
    advance_order = AdvanceOrder(books, exchanges, book, route, end_early, monitor, clock.now)
    continue_workflow = ContinueWorkflow(
        books, order_lifecycle(settings.order_lifecycle_arn), clearing, monitor, clock.now
    )
    give_up_order = GiveUpOrder(books, end_early, continue_workflow)
    send_in_sequence = SendInSequence(
        books,
        HoldForMarket(books, clock.now),
        advance_order,
        give_up_order,
        continue_workflow,
        clock.now,
    )
    return HandleExecutionMessage(
        books,
        book,
        route,
        end_early,
        advance_order,
        send_in_sequence,
        continue_workflow,
        give_up_order,
    )
