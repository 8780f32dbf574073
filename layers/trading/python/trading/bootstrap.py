"""The steps of an order's life, put together from a function's settings: the same for the
mailboxes and the internal API.
"""

from __future__ import annotations

from functools import partial

import boto3
from pydantic import Field

from trading.adapters.dynamodb.prices import TableLastPrices
from trading.adapters.dynamodb.tables import BooksSettings, TableBooks, TableNames
from trading.adapters.http.throttle import Throttle
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.adapters.messaging.workflow import OrderLifecycle
from trading.adapters.runtime.aws import CLIENT_CONFIG, DISPENSABLE_CONFIG
from trading.adapters.runtime.clock import now
from trading.adapters.runtime.observability import Counters
from trading.adapters.runtime.settings import LambdaSettings, api_base_url
from trading.adapters.venues.depository import HttpDepository
from trading.adapters.venues.exchanges import HttpExchanges, circuit_store
from trading.adapters.venues.health import TableVenueHealth
from trading.adapters.venues.http import VenueHttp, pool
from trading.adapters.venues.secrets import VenueSecrets
from trading.usecases.execution.advance_order import AdvanceOrder
from trading.usecases.execution.answer_workflow import AnswerWorkflow
from trading.usecases.execution.book_execution import BookExecution
from trading.usecases.execution.end_early import EndEarly
from trading.usecases.execution.give_up_order import GiveUpOrder
from trading.usecases.execution.handle_execution_message import HandleExecutionMessage
from trading.usecases.execution.hold_for_market import HoldForMarket
from trading.usecases.execution.route_order import RouteOrder
from trading.usecases.execution.send_in_sequence import SendInSequence
from trading.usecases.execution.submit_child import SubmitChild
from trading.usecases.posttrade.clear_trades import ClearTrades
from trading.usecases.posttrade.settle_obligations import SettleObligations
from trading.wire import CALLBACK_PATH


class VenueSettings(LambdaSettings):
    """Where the outside world is, and the secrets shared with it. The consolidated tape is asked
    under `tape_key_id`.
    """

    venue_secret_prefix: str
    venues_api_id: str
    venues_api_stage: str
    tape_key_id: str = "XNYS"


class ClientApiSettings(BooksSettings):
    """What an API for clients needs: the books, and the rate limit of a key."""

    control_table: str
    rate_limit_requests: int = Field(default=100, gt=0)
    rate_limit_window_seconds: int = Field(default=10, gt=0)


class BooksAndVenueSettings(BooksSettings, VenueSettings):
    """What settling needs: the books and the outside world."""


class ExecutionSettings(BooksAndVenueSettings):
    """What executing orders needs."""

    control_table: str
    clearing_queue_url: str
    order_lifecycle_arn: str
    public_api_id: str
    public_api_stage: str


def books(settings: BooksSettings) -> TableBooks:
    """The books."""
    return TableBooks(boto3.client("dynamodb", config=CLIENT_CONFIG), TableNames.of(settings), now)


def throttle(settings: ClientApiSettings) -> Throttle:
    """The rate limit of a key."""
    return Throttle(
        boto3.client("dynamodb", config=DISPENSABLE_CONFIG),
        settings.control_table,
        now,
        settings.rate_limit_requests,
        settings.rate_limit_window_seconds,
    )


def lifecycle(arn: str) -> OrderLifecycle:
    """OrderLifecycle, to start it and to answer it."""
    return OrderLifecycle(boto3.client("stepfunctions", config=CLIENT_CONFIG), now, arn)


EXCHANGE_READ_TIMEOUT_SECONDS = 1.5
DEPOSITORY_READ_TIMEOUT_SECONDS = 3.5
"""The depository settles a batch, nobody waits for it; an exchange that is slow is better left for
another.
"""


def venue_http(settings: VenueSettings, read_timeout_seconds: float) -> VenueHttp:
    """Signed requests to the outside world."""
    secrets = VenueSecrets(
        boto3.client("secretsmanager", config=CLIENT_CONFIG), settings.venue_secret_prefix, now
    )
    base_url = partial(api_base_url, settings.venues_api_id, settings.venues_api_stage)
    return VenueHttp(base_url, secrets, now, pool(read_timeout_seconds))


def handle_execution_message(settings: ExecutionSettings) -> HandleExecutionMessage:
    """Execution."""
    dynamodb = boto3.client("dynamodb", config=DISPENSABLE_CONFIG)
    monitor, the_books = Counters(), books(settings)
    health = TableVenueHealth(dynamodb, settings.control_table, the_books.exchanges, now)
    exchanges = HttpExchanges(
        venue_http(settings, EXCHANGE_READ_TIMEOUT_SECONDS),
        circuit_store(dynamodb, settings.control_table),
        settings.tape_key_id,
    )
    prices = TableLastPrices(dynamodb, settings.control_table, now)
    mailboxes = SqsMailboxes(
        boto3.client("sqs", config=CLIENT_CONFIG),
        now,
        clearing_queue_url=settings.clearing_queue_url,
    )
    callback_url = api_base_url(settings.public_api_id, settings.public_api_stage) + CALLBACK_PATH
    book = BookExecution(the_books, health, prices, monitor, now)
    submit = SubmitChild(exchanges, book, monitor, callback_url)
    end_early = EndEarly(the_books, exchanges, book, monitor, now)
    route = RouteOrder(the_books, exchanges, health, book, submit, end_early, monitor, now)
    advance_order = AdvanceOrder(the_books, exchanges, book, route, end_early, monitor, now)
    answer_workflow = AnswerWorkflow(
        the_books, lifecycle(settings.order_lifecycle_arn), mailboxes, monitor, now
    )
    give_up_order = GiveUpOrder(the_books, end_early, answer_workflow)
    send_in_sequence = SendInSequence(
        the_books,
        HoldForMarket(the_books, now),
        advance_order,
        give_up_order,
        answer_workflow,
        now,
    )
    return HandleExecutionMessage(
        the_books,
        book,
        route,
        end_early,
        advance_order,
        send_in_sequence,
        answer_workflow,
        give_up_order,
    )


def clear_trades(settings: BooksSettings) -> ClearTrades:
    """Clearing."""
    return ClearTrades(books(settings), Counters(), now)


def depository(settings: VenueSettings) -> HttpDepository:
    """The depository."""
    return HttpDepository(venue_http(settings, DEPOSITORY_READ_TIMEOUT_SECONDS))


def settle_obligations(settings: BooksAndVenueSettings) -> SettleObligations:
    """Settlement."""
    return SettleObligations(books(settings), depository(settings), Counters(), now)
