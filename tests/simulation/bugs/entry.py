"""Order entry, its idempotency, and what the API answers."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.http.idempotency import Idempotency
from trading.domain.orders import order_entry
from trading.usecases.orders import accept_order
from trading.usecases.orders.place_order import PlaceOrder

ORDERS, CALLBACKS = "functions.orders.handler", "functions.callbacks.handler"
BUGS = (
    Bug(
        "a new id for every try",
        "The order's id is random instead of derived from client and key.",
        "A client that repeats a request without an answer buys twice.",
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
        "A client is told that its order stands; what stands is another one.",
        (Edit(PlaceOrder._record, "if existing.fingerprint != fingerprint:", "if False:"),),
    ),
    Bug(
        "a lost race taken for accepted",
        "StaleError is answered with the order that was to be written.",
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
        "Whatever the commit raises is counted and forgotten.",
        "A client is told 201 for an order that does not exist.",
        (
            Edit(
                PlaceOrder._record,
                "    try:\n        self.books.commit(*decision.changed)\n",
                "    try:\n        try:\n            self.books.commit(*decision.changed)\n        except StaleError:\n            raise\n        except Exception:\n            return decision.order, False\n",
            ),
        ),
    ),
    Bug(
        "the workflow starts before the order is saved",
        "The workflow is started before the commit.",
        "Workflows for orders that were never accepted; they end in the DLQ, over and over.",
        (
            Edit(
                PlaceOrder._record,
                "    try:\n        self.books.commit(*decision.changed)\n",
                "    if decision.order.status is OrderStatus.VALIDATED:\n        start(self.workflow, self.monitor, decision.order)\n    try:\n        self.books.commit(*decision.changed)\n",
            ),
        ),
    ),
    Bug(
        "a workflow that does not start fails the request",
        "The error of StartExecution is not caught.",
        "None.",
        (Edit(accept_order.start, "except Exception as error:", "except KeyError as error:"),),
        tolerated="the order is kept, the client's next try finds it, and the sweeper starts it",
    ),
    Bug(
        "buying power not checked",
        "The check of cash against the hold is missing.",
        "A client gets 500 instead of a rejection.",
        (Edit(order_entry.admit, "if hold.cash > cash:", "if False:"),),
    ),
    Bug(
        "daily limit not checked",
        "The check against the daily trading limit is missing.",
        "A client trades beyond what was agreed with him.",
        (
            Edit(
                order_entry.accept, "if used + notional > client.daily_trading_limit:", "if False:"
            ),
        ),
    ),
    Bug(
        "orders without a place in the line",
        "The account does not remember its client's last order.",
        "A client's sell reaches the exchange before the buy that he sent first.",
        (Edit(order_entry.admit, ".append_order(open_order(order))", ""),),
    ),
    Bug(
        "another client's order shown",
        "GET asks whether the order exists, not whose it is.",
        "Whoever knows an order's id sees what somebody else trades.",
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
        "Under which key a change was asked for is not remembered.",
        "A copy that comes late suspends a client who was activated since, and cancels orders that were placed since.",
        (Edit(Idempotency.once, "{app.event.http_method} {app.event.path}", "{app.request_id}"),),
    ),
    Bug(
        "orders placed for others",
        "The client id of the body is not compared with the token's.",
        "A client trades with somebody else's money.",
        (Edit(ORDERS, "if request.client_id != app.principal.client_id:", "if False:"),),
    ),
    Bug(
        "a report acknowledged before it is durable",
        "A callback is answered 200 though its message could not be sent.",
        "The evidence of a report that our books would have refused is lost.",
        (
            Edit(
                CALLBACKS,
                '        raise HttpError(\n            HTTPStatus.SERVICE_UNAVAILABLE, ProblemCode.UNAVAILABLE, "Send the report again.", headers={"Retry-After": "1"}\n        ) from error\n',
                "",
            ),
        ),
        tolerated="the sweeper asks the exchange, and books what it was not told; a refused execution is lost only with its order full",
    ),
    Bug(
        "a report believed without a signature",
        "The callback's signature is not verified.",
        "Anybody can book trades for anybody.",
        (
            Edit(
                CALLBACKS,
                'raise HttpError(HTTPStatus.UNAUTHORIZED, ProblemCode.INVALID_SIGNATURE, "The signature is not valid.") from None',
                "return",
            ),
        ),
    ),
)
