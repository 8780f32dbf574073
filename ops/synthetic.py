"""A synthetic client: it trades one share through the public API, and checks its own books."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx

from trading.domain.values import cents_down
from workstation.profiles import Profile

LOOK_SECONDS = 0.5
REQUEST_SECONDS = 30.0
FAR_BELOW = Decimal("0.9")
"""A limit at this part of the price rests: it is inside the collars, and nobody sells there."""
OVER = {"REJECTED", "CANCELED", "EXPIRED", "SETTLED"}


class SmokeError(Exception):
    """A step failed, or its result is wrong."""


@dataclass(frozen=True)
class Step:
    """A step that succeeded, and its result."""

    name: str
    result: str


@dataclass(frozen=True)
class Books:
    """What the client owns: all cash, cash that orders hold, shares, shares that orders hold."""

    cash: Decimal
    held: Decimal
    shares: int
    shares_held: int


@dataclass
class SyntheticClient:
    """Trades with the credentials of a profile. `patience`: seconds to wait for an order."""

    profile: Profile
    symbol: str
    patience: float
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.profile.url, timeout=REQUEST_SECONDS)

    def trade(self) -> Iterator[Step]:
        """Do everything, step by step. Raises SmokeError at the first step that fails, and
        httpx.TransportError if the API cannot be reached.
        """
        client_id = self._log_in()
        yield Step("log in", f"as {client_id}")
        before = self._books()
        yield Step("read the books", f"{before.shares} {self.symbol}, {before.cash} of cash")
        side = "sell" if before.shares - before.shares_held > 0 else "buy"
        traded = self._place(client_id, side=side, order_type="market")
        cleared = self._until(traded, self._is_cleared, "cleared")
        price, fees = Decimal(cleared["average_price"]), Decimal(cleared["fees"])
        yield Step(f"{side} a share", f"{traded}: cleared at {price}, fees {fees}")
        self._check(before, side, price, fees)
        yield Step("check the books", "cash and shares moved by the fill and its fees")
        limit = str(cents_down(price * FAR_BELOW))
        resting = self._place(client_id, side="buy", order_type="limit", price=limit)
        self._until(resting, lambda shown: shown["current_status"] == "ROUTING", "at an exchange")
        yield Step("rest an order", f"{resting}: buy at {limit}")
        self._cancel(resting)
        self._until(resting, lambda shown: shown["current_status"] == "CANCELED", "canceled")
        yield Step("cancel it", "canceled, nothing executed")
        self._check(before, side, price, fees)
        yield Step("check the books", "the order holds nothing any more")

    def _log_in(self) -> str:
        if self.profile.client_id is None or self.profile.api_secret is None:
            raise SmokeError("the profile has no client_id, or does not keep its secret")
        answer = self._ask(
            "POST",
            "/api/v1/auth/token",
            HTTPStatus.OK,
            {"api_key": self.profile.api_key, "api_secret": self.profile.api_secret},
        )
        self.http.headers["Authorization"] = f"Bearer {answer['jwt_token']}"
        return self.profile.client_id

    def _books(self) -> Books:
        balances = self._ask("GET", "/api/v1/balance", HTTPStatus.OK)
        answer = self.http.get(f"/api/v1/positions/{self.symbol}")
        held = answer.json() if answer.status_code == HTTPStatus.OK else {}
        if answer.status_code not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise SmokeError(_said(answer))
        return Books(
            cash=Decimal(balances["total"]),
            held=Decimal(balances["held_for_orders"]),
            shares=held.get("quantity", 0),
            shares_held=held.get("held_for_sells", 0),
        )

    def _check(self, before: Books, side: str, price: Decimal, fees: Decimal) -> None:
        """Raises SmokeError unless the books are as before but for one share at this price."""
        sign = 1 if side == "buy" else -1
        expected = Books(
            before.cash - sign * price - fees, before.held, before.shares + sign, before.shares_held
        )
        found = self._books()
        if found != expected:
            raise SmokeError(f"cash and shares are {found}, expected {expected}")

    def _place(self, client_id: str, **terms: str) -> str:
        order = {
            "client_id": client_id,
            "stock_symbol": self.symbol,
            "quantity": 1,
            "time_in_force": "DAY",
            **terms,
        }
        placed = self._ask("POST", "/api/v1/orders", HTTPStatus.CREATED, order)
        if reason := placed.get("reason"):
            raise SmokeError(f"the order was rejected: {reason}")
        return str(placed["order_id"])

    def _cancel(self, order_id: str) -> None:
        answer = self.http.delete(
            f"/api/v1/orders/{order_id}", headers={"Idempotency-Key": str(uuid4())}
        )
        if not answer.is_success:
            raise SmokeError(_said(answer))

    def _until(
        self, order_id: str, done: Callable[[dict[str, Any]], bool], what: str
    ) -> dict[str, Any]:
        """Wait for the order. One that cannot get there any more, or in time, is canceled."""
        deadline = time.monotonic() + self.patience
        while True:
            shown = self._ask("GET", f"/api/v1/orders/{order_id}", HTTPStatus.OK)
            if done(shown):
                return shown
            status = shown["current_status"]
            waits = status == "VALIDATED" and shown.get("release_at")
            if waits or status in OVER or time.monotonic() > deadline:
                if status not in OVER:
                    self.http.delete(
                        f"/api/v1/orders/{order_id}", headers={"Idempotency-Key": str(uuid4())}
                    )
                why = f"its market opens at {shown['release_at']}" if waits else f"it is {status}"
                raise SmokeError(f"order {order_id} is not {what}: {why}")
            time.sleep(LOOK_SECONDS)

    @staticmethod
    def _is_cleared(shown: dict[str, Any]) -> bool:
        return shown["current_status"] in ("CLEARED", "SETTLING", "SETTLED")

    def _ask(
        self, method: str, path: str, status: HTTPStatus, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        headers = {} if body is None else {"Idempotency-Key": str(uuid4())}
        answer = self.http.request(method, path, json=body, headers=headers)
        if answer.status_code != status:
            raise SmokeError(_said(answer))
        found: dict[str, Any] = answer.json()
        return found


def _said(answer: httpx.Response) -> str:
    """The answer without the request, which may hold a secret."""
    request = answer.request
    return f"{request.method} {request.url.path}: {answer.status_code} {answer.text[:300]}"
