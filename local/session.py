"""A short trading session through the API: orders of the demo clients, and their outcome."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from local.api import TradingClient
from simulators import reference
from trading.domain.values import cents, percent_of
from workstation.local_system import LocalError

REFERENCE_PRICE = {
    listed.symbol: Decimal(listed.reference_price) for listed in reference.INSTRUMENTS
}
RESTS = "rests until the close"


@dataclass(frozen=True)
class Play:
    """An order and its expected outcome. `partial`: a part of it is filled, not all."""

    title: str
    client_id: str
    body: dict[str, Any]
    final: str = "SETTLED"
    reason: str | None = None
    partial: bool = False


@dataclass
class Watched:
    """A placed order as the API showed it last."""

    play: Play
    order_id: str
    shown: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The status of the order."""
        return str(self.shown.get("current_status", "RECEIVED"))

    @property
    def passed(self) -> set[str]:
        """All statuses that the order has had."""
        return {entry["status"] for entry in self.shown.get("status_history", ())}

    @property
    def filled(self) -> int:
        """Shares that are filled."""
        return int(self.shown.get("filled_quantity", 0))

    @property
    def has_traded(self) -> bool:
        """Whether nothing more happens before the close: cleared, ended, or resting as expected."""
        if self.play.final == "EXPIRED":
            return self.status in ("ROUTING", "EXPIRED")
        if self.filled and self.status in ("CANCELED", "EXPIRED"):
            return len(self.shown["clearing_details"]) == len(self.shown["execution_details"])
        return self.status in ("CLEARED", "SETTLED", "REJECTED", "CANCELED", "EXPIRED")

    @property
    def is_closed(self) -> bool:
        """Whether the order cannot be filled any more and its fills are cleared."""
        return self.has_traded and self.status != "ROUTING"

    def complaint(self) -> str | None:
        """What differs from the expected outcome after the settlement."""
        play, quantity = self.play, self.play.body["quantity"]
        if self.status != play.final:
            return f"is {self.status}, must be {play.final}"
        if play.partial and not 0 < self.filled < quantity:
            return f"executed {self.filled} of {quantity}, must be a part"
        if not play.partial and self.filled != (quantity if play.final == "SETTLED" else 0):
            return f"executed {self.filled} of {quantity}"
        settled = [
            s for s in self.shown["settlement_details"] if s["settlement_status"] == "SETTLED"
        ]
        if len(settled) != len(self.shown["execution_details"]):
            return f"{len(settled)} of {len(self.shown['execution_details'])} trades settled"
        return None


@dataclass(frozen=True)
class Probe:
    """A request with the expected and the given answer."""

    title: str
    expected: str
    got: str

    @property
    def ok(self) -> bool:
        """Whether the answer was the expected one."""
        return self.expected == self.got


def _order(
    client_id: str,
    side: str,
    quantity: int,
    symbol: str,
    time_in_force: str,
    percent: int | None = None,
) -> Any:
    """A market order, or a limit order at the reference price plus `percent`."""
    order = {
        "client_id": client_id,
        "stock_symbol": symbol,
        "quantity": quantity,
        "order_type": "market",
        "side": side,
        "time_in_force": time_in_force,
    }
    if percent is None:
        return order
    price = cents(percent_of(REFERENCE_PRICE[symbol], Decimal(100 + percent)))
    return order | {"order_type": "limit", "price": str(price)}


PLAYS = (
    Play("market buy", "alice", _order("alice", "buy", 10, "NVDA", "DAY")),
    Play("limit buy", "alice", _order("alice", "buy", 20, "KO", "DAY", +1)),
    Play("market sell", "alice", _order("alice", "sell", 5, "AAPL", "DAY")),
    Play("limit sell, GTC", "alice", _order("alice", "sell", 3, "MSFT", "GTC", -1)),
    Play(
        f"limit buy far below, {RESTS}",
        "alice",
        _order("alice", "buy", 10, "V", "DAY", -10),
        final="EXPIRED",
    ),
    Play("market buy on margin", "bob", _order("bob", "buy", 40, "AMD", "DAY")),
    Play("IOC", "bob", _order("bob", "buy", 10, "TSLA", "IOC", +1)),
    Play("FOK", "bob", _order("bob", "buy", 25, "WMT", "FOK", +1)),
    Play(
        "IOC beyond the displayed size: a part",
        "alice",
        _order("alice", "buy", 1000, "RGR", "IOC", +2),
        final="CANCELED",
        partial=True,
    ),
    Play(
        "more than carol can pay",
        "carol",
        _order("carol", "buy", 10, "AAPL", "DAY"),
        final="REJECTED",
        reason="INSUFFICIENT_FUNDS",
    ),
    Play(
        "shares that bob does not own",
        "bob",
        _order("bob", "sell", 5, "IBM", "DAY"),
        final="REJECTED",
        reason="INSUFFICIENT_SHARES",
    ),
    Play(
        "unknown symbol",
        "carol",
        _order("carol", "buy", 1, "NOPE", "DAY"),
        final="REJECTED",
        reason="UNKNOWN_SYMBOL",
    ),
    Play("small market buy", "carol", _order("carol", "buy", 5, "KO", "DAY")),
)


def place_all(
    clients: dict[str, TradingClient], run: str, placed: Callable[[Watched], None]
) -> None:
    """Place the orders of the session. `placed` gets each accepted one. Raises LocalError."""
    for number, play in enumerate(PLAYS):
        answer = clients[play.client_id].place(play.body, f"{run}-{number}")
        if answer.status_code != 201:
            raise unexpected(f"placing “{play.title}”", answer)
        body = answer.json()
        reason = (body.get("reason") or {}).get("code")
        if reason != play.reason:
            raise LocalError(
                f"placing “{play.title}”: {answer.text}",
                "The money and shares of a kept state last for a few sessions: start clean with "
                "`make run`.",
            )
        placed(Watched(play, body["order_id"]))


def refresh(clients: dict[str, TradingClient], watched: list[Watched]) -> None:
    """Read the orders again. Raises LocalError."""
    for order in watched:
        answer = clients[order.play.client_id].order(order.order_id)
        if answer.status_code == 429:
            return
        if answer.status_code != 200:
            raise unexpected(f"reading order {order.order_id}", answer)
        order.shown = answer.json()


def probe(clients: dict[str, TradingClient], base_url: str, run: str, token: str) -> list[Probe]:
    """Make the requests of careless and hostile clients, after `place_all` of the same run."""
    alice, first = clients["alice"], PLAYS[0].body
    again = alice.place(first, f"{run}-0")
    other = alice.place(first | {"quantity": 11}, f"{run}-0")
    for_bob = alice.place(first | {"client_id": "bob"}, f"{run}-for-bob")
    header, payload, signature = token.split(".")
    forged = httpx.get(
        f"{base_url}/api/v1/orders/any",
        headers={"Authorization": f"Bearer {header}.{payload}.{signature[::-1]}"},
        timeout=30,
    )
    return [
        Probe(
            "the same order with the same key again",
            "201 replayed true",
            f"{again.status_code} replayed {_replayed(again)}",
        ),
        Probe("another order with the same key", "422 IDEMPOTENCY_KEY_REUSED", _refusal(other)),
        Probe("an order for somebody else", "403 CLIENT_MISMATCH", _refusal(for_bob)),
        Probe("a forged token", "401 UNAUTHENTICATED", _refusal(forged)),
    ]


def unexpected(doing: str, answer: httpx.Response) -> LocalError:
    """Make the error for an answer after which the session cannot go on."""
    return LocalError(
        f"{doing}: HTTP {answer.status_code} {answer.text[:500]}",
        "The functions' output is in the local AWS's log (`make status` says where).",
    )


def _replayed(answer: httpx.Response) -> str:
    return str(answer.headers.get("Idempotency-Replayed", "missing"))


def _refusal(answer: httpx.Response) -> str:
    if answer.headers.get("Content-Type") != "application/problem+json":
        return f"{answer.status_code} {answer.headers.get('Content-Type')}"
    return f"{answer.status_code} {answer.json().get('code')}"
