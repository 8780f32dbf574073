"""The smoke test against a broker that is right, and against brokers that are wrong in one way."""

import itertools
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from ops import synthetic
from ops.synthetic import SmokeError, SyntheticClient
from workstation.profiles import Profile

PRICE, FEES = Decimal("65.6500"), Decimal("0.01")
PROFILE = Profile(url="https://api.example", api_key="key", api_secret="hunter2", client_id="smoke")


class Broker:
    """Fills market orders when they are looked at twice, and lets limit orders rest."""

    def __init__(self, shares: int = 0) -> None:
        self.cash, self.held, self.shares = Decimal(1000), Decimal(0), shares
        self.orders: dict[str, dict[str, Any]] = {}
        self.numbers = itertools.count(1)
        self.requests: list[str] = []
        self.release_at: str | None = None
        self.charged = FEES
        self.releases_holds = True
        self.stuck_at: str | None = None
        self.rejects = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        method, path = request.method, request.url.path.removeprefix("/api/v1")
        self.requests.append(f"{method} {path}")
        assert method == "GET" or request.headers["Idempotency-Key"]
        if path == "/auth/token":
            return httpx.Response(200, json={"jwt_token": "token"})
        assert request.headers["Authorization"] == "Bearer token"
        if path == "/balance":
            return httpx.Response(
                200, json={"total": str(self.cash), "held_for_orders": str(self.held)}
            )
        if path == "/positions/KO":
            if not self.shares:
                return httpx.Response(404, json={"code": "NOT_FOUND"})
            return httpx.Response(200, json={"quantity": self.shares, "held_for_sells": 0})
        if method == "POST":
            return self._accept(json.loads(request.content))
        order = self.orders[path.removeprefix("/orders/")]
        return self._cancel(order) if method == "DELETE" else self._show(order)

    def _accept(self, terms: dict[str, Any]) -> httpx.Response:
        order_id = f"ord_{next(self.numbers)}"
        order = {**terms, "current_status": "VALIDATED", "release_at": self.release_at}
        self.orders[order_id] = order
        if terms["order_type"] == "limit":
            self.held += Decimal(terms["price"])
        reason = {"code": "INSUFFICIENT_FUNDS"} if self.rejects else None
        return httpx.Response(201, json={"order_id": order_id, "reason": reason})

    def _show(self, order: dict[str, Any]) -> httpx.Response:
        shown = dict(order)
        if order["release_at"] or self.stuck_at == order["current_status"]:
            return httpx.Response(200, json=shown)
        if order["current_status"] == "VALIDATED":
            order["current_status"] = "ROUTING"
        elif order["order_type"] == "market":
            self._fill(order)
        return httpx.Response(200, json=shown)

    def _fill(self, order: dict[str, Any]) -> None:
        if order["current_status"] == "ROUTING":
            sign = 1 if order["side"] == "buy" else -1
            self.shares += sign
            self.cash -= sign * PRICE + self.charged
            order |= {"current_status": "CLEARED", "average_price": str(PRICE), "fees": str(FEES)}

    def _cancel(self, order: dict[str, Any]) -> httpx.Response:
        order["current_status"] = "CANCELED"
        if order["order_type"] == "limit" and self.releases_holds:
            self.held -= Decimal(order["price"])
        return httpx.Response(202, json={})


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    monkeypatch.setattr(synthetic, "LOOK_SECONDS", 0.0)
    return Broker()


def client_of(
    answer: Callable[[httpx.Request], httpx.Response], profile: Profile = PROFILE
) -> SyntheticClient:
    client = SyntheticClient(profile, "KO", patience=0.05)
    client.http = httpx.Client(base_url=profile.url, transport=httpx.MockTransport(answer))
    return client


def test_it_buys_a_share_cancels_another_order_and_finds_its_books_right(broker: Broker) -> None:
    steps = [step.name for step in client_of(broker).trade()]
    assert steps == [
        "log in",
        "read the books",
        "buy a share",
        "check the books",
        "rest an order",
        "cancel it",
        "check the books",
    ]
    assert (broker.shares, broker.cash) == (1, 1000 - PRICE - FEES)
    assert [o["current_status"] for o in broker.orders.values()] == ["CLEARED", "CANCELED"]
    assert broker.orders["ord_2"]["price"] == "59.08"


def test_it_sells_the_share_that_it_has(broker: Broker) -> None:
    broker.shares = 1
    assert "sell a share" in [step.name for step in client_of(broker).trade()]
    assert (broker.shares, broker.cash) == (0, 1000 + PRICE - FEES)


def overcharge(broker: Broker) -> None:
    broker.charged += Decimal("0.01")


def keep_the_hold(broker: Broker) -> None:
    broker.releases_holds = False


def reject(broker: Broker) -> None:
    broker.rejects = True


def never_fill(broker: Broker) -> None:
    broker.stuck_at = "ROUTING"


def close_the_market(broker: Broker) -> None:
    broker.release_at = "2026-11-30T14:30:00Z"


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (overcharge, r"cash=Decimal\('934.33"),
        (keep_the_hold, "held=Decimal"),
        (reject, "rejected: .*INSUFFICIENT_FUNDS"),
        (never_fill, "not cleared: it is ROUTING"),
        (close_the_market, "its market opens at 2026-11-30T14:30:00Z"),
    ],
)
def test_it_tells_what_is_wrong_with_a_broker(
    spoil: Callable[[Broker], None], complaint: str, broker: Broker
) -> None:
    spoil(broker)
    with pytest.raises(SmokeError, match=complaint):
        list(client_of(broker).trade())


@pytest.mark.parametrize("spoil", [never_fill, close_the_market])
def test_an_order_that_goes_nowhere_is_canceled(
    spoil: Callable[[Broker], None], broker: Broker
) -> None:
    spoil(broker)
    with pytest.raises(SmokeError):
        list(client_of(broker).trade())
    assert broker.orders["ord_1"]["current_status"] == "CANCELED"


def test_an_error_is_shown_without_the_secret() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"code": "UNAUTHENTICATED"})

    with pytest.raises(SmokeError, match=r"POST /api/v1/auth/token: 401 .*UNAUTH") as failure:
        list(client_of(refuse).trade())
    assert "hunter2" not in str(failure.value)


def test_an_api_that_cannot_be_reached_is_no_failed_step() -> None:
    def hang_up(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(httpx.ConnectError):
        list(client_of(hang_up).trade())
