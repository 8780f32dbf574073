"""A venue over HTTP. It answers what a test says, but only to requests with a current signature for
it.
"""

import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.clock import Clock
from tests.fakes.secret_store import SecretStore
from tests.integration.local_http import HttpAnswer, HttpRequest, LocalServer
from trading.adapters.venues import signatures
from trading.adapters.venues.http import VenueHttp, pool
from trading.adapters.venues.secrets import VenueSecrets
from trading.wire import OrderState, SubmitOrder, VenueOrderStatus

BASE = "/restapis/abc/v1/_user_request_"
PREFIX = "trading-test-venue-"
READ_TIMEOUT_SECONDS = 2.0


class Slow:
    """A response that comes after the caller has timed out."""


@dataclass
class Venue:
    """Gives `answers` one after another, and repeats the last one."""

    clock: Clock
    answers: deque[HttpAnswer | Slow] = field(default_factory=deque)
    received: list[HttpRequest] = field(default_factory=list)
    secret: bytes = b"secret-of-the-venue"

    def __post_init__(self) -> None:
        self.server = LocalServer(self._answer)
        self.secrets = SecretStore()
        for key_id in ("XNYS", "depository"):
            self.secrets.rotate(PREFIX + key_id, "v1", self.secret.decode())

    def http(self) -> VenueHttp:
        """The client side."""
        store: Any = self.secrets
        return VenueHttp(
            lambda _: self.server.url + BASE,
            VenueSecrets(store, PREFIX, self.clock, {"XNYS", "depository"}),
            self.clock,
            pool(READ_TIMEOUT_SECONDS),
        )

    def answer(self, *answers: HttpAnswer | Slow) -> None:
        """Set the responses from now on."""
        self.answers = deque(answers)

    def _answer(self, request: HttpRequest) -> HttpAnswer:
        path = request.path.removeprefix(BASE)
        self.received.append(request)
        try:
            signatures.verify(
                request.headers,
                [self.secret],
                int(self.clock().timestamp()),
                request.method,
                path,
                request.body,
            )
        except signatures.SignatureError as error:
            return HttpAnswer(401, str(error).encode())
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Slow):
            time.sleep(READ_TIMEOUT_SECONDS * 2)
            return HttpAnswer(200)
        return answer


def state_answer(http_status: int = 200, **changes: Any) -> HttpAnswer:
    """An order's state."""
    values: dict[str, Any] = {
        "exchange_id": "XNYS",
        "client_order_id": "ord_1-1",
        "exchange_order_id": "x-1",
        "status": VenueOrderStatus.NEW,
        "quantity": 100,
        "cumulative_quantity": 0,
        "leaves_quantity": 100,
    }
    return HttpAnswer(http_status, OrderState(**(values | changes)).model_dump_json().encode())


def problem_answer(status: int, code: str) -> HttpAnswer:
    """A refusal with a problem document."""
    return HttpAnswer(status, json.dumps({"code": code}).encode(), "application/problem+json")


def submission() -> SubmitOrder:
    """An order as it is submitted."""
    return SubmitOrder.model_validate(
        {
            "client_order_id": "ord_1-1",
            "account": "alice",
            "symbol": "AAPL",
            "side": "buy",
            "quantity": 100,
            "limit_price": "228.50",
            "time_in_force": "DAY",
            "callback_url": "https://public/api/v1/exchange/callbacks",
            "correlation_id": "corr-1",
        }
    )
