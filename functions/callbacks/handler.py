"""POST /api/v1/exchange/callbacks: take an execution report, and acknowledge it once it is in the
client's mailbox.
"""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from botocore.exceptions import BotoCoreError, ClientError

from functions.callbacks.reports import REPORTS
from functions.callbacks.settings import Settings
from trading.adapters.faces.callbacks import Accepted
from trading.adapters.http.problems import FieldError, HttpError, ProblemCode, unavailable
from trading.adapters.http.request_reading import header
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.runtime.clock import now
from trading.adapters.runtime.observability import count, logger
from trading.adapters.runtime.settings import load
from trading.adapters.venues.answers import note
from trading.adapters.venues.signatures import SignatureError, received, verify
from trading.bootstrap.callbacks import callbacks
from trading.messages import ReportReceived
from trading.metrics import Metric
from trading.wire import CALLBACK_PATH, ExecutionReport

api = callbacks(load(Settings))


def verify_signature(event: APIGatewayProxyEvent, body: bytes) -> None:
    """Raise HttpError 401 unless a known venue, whose key is active, signed this very request
    recently.
    """
    try:
        headers, target = received(event)
        key_id = headers.get("x-key-id", "")
        secrets = api.venue_secrets.for_key(key_id)
        verify(headers, secrets, int(now().timestamp()), event.http_method, target, body)
        # Read last, so that a stranger's request costs no read, and never from a cache.
        if not api.venue_keys.is_active(key_id):
            raise SignatureError("the key is disabled")
    except SignatureError as error:
        key_id = event.headers.get("x-key-id", "")[:32]
        logger.warning("signature refused", reason=str(error), key_id=key_id)
        count(Metric.INVALID_SIGNATURE)
        raise HttpError(
            HTTPStatus.UNAUTHORIZED, ProblemCode.INVALID_SIGNATURE, "The signature is not valid."
        ) from None
    except (ClientError, BotoCoreError) as error:
        logger.exception("the venue's secret or the status of its key cannot be read")
        raise _send_again() from error


app = ApiResolver(verify=verify_signature, reading=REPORTS)


@app.post(CALLBACK_PATH, permission=None, summary="Deliver an execution report", tags=["Exchanges"])
def receive(report: Annotated[ExecutionReport, Body()]) -> Response[Accepted]:
    """Deliver an execution report. The answer is 200 only once the report is stored durably.
    Without that answer, the exchange sends the report again.

    A report that comes again gets the same answer, and changes nothing. It is the same if it says
    the same for the books: unknown fields and the correlation id do not count. Something else under
    a known execution id is accepted, but it is not booked: the books record a break for people to
    review.
    """
    if header(app.event, "x-key-id") != report.exchange_id:
        raise HttpError(
            HTTPStatus.FORBIDDEN,
            ProblemCode.FORBIDDEN,
            "An exchange reports its own executions only.",
        )
    if app.idempotency_key != report.idempotency_key:
        raise HttpError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            ProblemCode.IDEMPOTENCY_KEY_MISMATCH,
            "The Idempotency-Key of a report is {exchange_id}:{execution_id}. Only characters that "
            "are not printable ASCII are percent-encoded.",
            errors=[FieldError(field="idempotency-key", message="is not the report's")],
        )
    message = ReportReceived(
        client_id=report.account, correlation_id=report.correlation_id, report=report
    )
    logger.append_keys(**message.facts())
    note(report.exchange_id, report.client_order_id, report)
    _enqueue(message)
    return json_response(Accepted())


def _enqueue(message: ReportReceived) -> None:
    """Put the report into the mailbox.

    A repetition is harmless. For five minutes the queue drops it. After that the worker ignores it,
    because an execution id is booked only once.
    """
    try:
        api.mailboxes.execution(message)
    except (ClientError, BotoCoreError) as error:
        logger.exception("report not enqueued")
        raise _send_again() from error


def _send_again() -> HttpError:
    return unavailable("Send the report again.")


handler = app.resolve
