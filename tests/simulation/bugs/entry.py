"""Order entry, its idempotency, and the answers of the API."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.http.idempotency import Idempotency
from trading.adapters.http.resolver import ApiResolver
from trading.domain.errors import DomainError
from trading.domain.orders import order_entry
from trading.usecases.orders import accept_order
from trading.usecases.orders.place_order import PlaceOrder

ORDERS, CALLBACKS = "functions.orders.handler", "functions.callbacks.handler"
BUGS = (
    Bug(
        "a new id for every try",
        "The order's id is random instead of derived from client and key.",
        "A client that repeats an unanswered request buys twice.",
        (
            Edit(
                order_entry.receive,
                "identifiers.order_id(request.client_id, idempotency_key)",
                '"ord_" + __import__("uuid").uuid4().hex',
            ),
        ),
    ),
    Bug(
        "another body under the same key",
        "The fingerprint of the first request is not compared.",
        "A client is told that its order stands, but the order that stands is another one.",
        (Edit(PlaceOrder._record, "if existing.fingerprint != fingerprint:", "if False:"),),
    ),
    Bug(
        "known by its spelling",
        "The fingerprints of orders and replacements are made of the body as it was sent.",
        "A client that writes its request anew gets no answer to it: 58.50 is not 58.500.",
        (
            Edit(
                ORDERS,
                "digest(request)[:16], app.correlation_id",
                "digest(app.event.body)[:16], app.correlation_id",
            ),
            Edit(
                ORDERS,
                'digest("replace", replaced, wanted)[:16]',
                'digest("replace", replaced, app.event.body)[:16]',
            ),
        ),
    ),
    Bug(
        "a field left out of the digest",
        "The fingerprint of an order does not cover its stop price.",
        "A client is told that its stop stands at another price than it does.",
        (
            Edit(
                ORDERS,
                "digest(request)[:16]",
                'digest(request.model_copy(update={"stop_price": None}))[:16]',
            ),
        ),
    ),
    Bug(
        "an unknown parameter is ignored",
        "The query of a request is not compared with the parameters of its route.",
        "A misspelled filter cancels all orders.",
        (Edit(ApiResolver._read, "check_query(self.event, takes.query_params)", "pass"),),
    ),
    Bug(
        "HEAD is not answered like GET",
        "The tag of an answer is made only for GET, and the resolver forgets that HEAD was one.",
        "A cache compares the answer to HEAD with its copy and finds no tag.",
        (
            Edit(
                ApiResolver._answer,
                'if self.event.http_method == "GET" and answer',
                'if method == "GET" and answer',
            ),
        ),
    ),
    Bug(
        "a refusal is forgotten",
        "No refusal is kept under its key.",
        "A late copy of a withdrawal that was refused takes the cash that came meanwhile.",
        (
            Edit(
                DomainError.is_answer,
                "return self.kind in (ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, "
                "ErrorKind.UNPROCESSABLE)",
                "return False",
            ),
        ),
    ),
    Bug(
        "a lost race taken for accepted",
        "StaleError is answered with the order that could not be written.",
        "A client is told 201 for an order that does not exist.",
        (
            Edit(
                PlaceOrder._record,
                "            raise\n",
                "            return decision.order, False\n",
            ),
        ),
    ),
    Bug(
        "an error of the tables answered with 201",
        "Any error of the commit is counted and then ignored.",
        "A client is told 201 for an order that does not exist.",
        (
            Edit(
                PlaceOrder._record,
                "        self.books.commit(*decision.changed)\n",
                "        try:\n            self.books.commit(*decision.changed)\n"
                "        except StaleError:\n            raise\n        except Exception:\n"
                "            return decision.order, False\n",
            ),
        ),
    ),
    Bug(
        "the workflow starts before the order is saved",
        "The workflow is started before the commit.",
        "Workflows start for orders that were never accepted. Their messages end in the DLQ.",
        (
            Edit(
                PlaceOrder._record,
                "        self.books.commit(*decision.changed)\n",
                "        if decision.order.status is OrderStatus.VALIDATED:\n"
                "            start(self.workflow, self.monitor, decision.order)\n"
                "        self.books.commit(*decision.changed)\n",
            ),
        ),
    ),
    Bug(
        "a workflow that does not start fails the request",
        "The error of StartExecution is not caught.",
        "None.",
        (Edit(accept_order.start, "except Exception as error:", "except KeyError as error:"),),
        tolerated=(
            "The order is kept. The client's next try finds it, and the sweeper starts its "
            "workflow."
        ),
    ),
    Bug(
        "buying power not checked",
        "The hold is not checked against the available cash.",
        "A client gets a 500 instead of a rejection.",
        (Edit(order_entry.admit, "if hold.cash > cash:", "if False:"),),
    ),
    Bug(
        "daily limit not checked",
        "The order is not checked against the daily trading limit.",
        "A client trades beyond the agreed limit.",
        (
            Edit(
                order_entry.accept, "if used + notional > client.daily_trading_limit:", "if False:"
            ),
        ),
    ),
    Bug(
        "the client's last order is not recorded",
        "The account does not record its client's last order.",
        "A client's sell reaches the exchange before a buy that was sent earlier.",
        (
            Edit(
                order_entry.admit,
                ".append_order(\n        entering\n    )",
                "",
            ),
        ),
    ),
    Bug(
        "another client's order shown",
        "GET checks that the order exists, not whose order it is.",
        "Anyone who knows an order's id sees what another client trades.",
        (
            Edit(
                ORDERS,
                "if order is None or order.client_id != app.principal.client_id:",
                "if order is None:",
            ),
        ),
    ),
    Bug(
        "a repeated change is made again",
        "The idempotency key of a change is not stored.",
        "A late copy of a request suspends an activated client again, or cancels newer orders.",
        (Edit(Idempotency.once, "key_prefix=app.target", "key_prefix=app.request_id"),),
    ),
    Bug(
        "orders placed for others",
        "The client id in the body is not compared with the client id in the token.",
        "A client trades with another client's money.",
        (Edit(ORDERS, "if request.client_id != app.principal.client_id:", "if False:"),),
    ),
    Bug(
        "a report acknowledged before it is durable",
        "A callback is answered with 200 although its message could not be sent.",
        "The evidence of a report that our books would have refused is lost.",
        (
            Edit(
                CALLBACKS,
                '        logger.exception("report not enqueued")\n'
                "        raise _send_again() from error\n",
                '        logger.exception("report not enqueued")\n',
            ),
        ),
        tolerated=(
            "The sweeper asks the exchange and books what was not reported. A refused "
            "execution is lost only if its order is full."
        ),
    ),
    Bug(
        "a report believed without a signature",
        "The signature of a callback is not verified.",
        "Anyone can book trades for any client.",
        (
            Edit(
                CALLBACKS,
                'raise HttpError(HTTPStatus.UNAUTHORIZED, ProblemCode.INVALID_SIGNATURE, "The '
                'signature is not valid.") from None',
                "return",
            ),
        ),
    ),
    Bug(
        "reports are read as strictly as requests",
        "A report is read by the rules for requests of clients.",
        "A fill is booked only when the sweeper asks, because a field that nobody needs is odd.",
        (Edit(CALLBACKS, ", reading=REPORTS)", ")"),),
    ),
)
