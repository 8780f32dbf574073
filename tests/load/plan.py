"""The plan of the requests of each client: a seeded mix of orders, invalid requests and
repetitions.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from random import Random
from typing import Any

from simulators import reference
from tests.load.population import SHARES

REFERENCE_PRICE = {
    listed.symbol: Decimal(listed.reference_price)
    for listed in reference.INSTRUMENTS
    if listed.trading_hours == "continuous"
}
ACCEPTED = "201 VALIDATED"
SELF_TRADE = "201 REJECTED SELF_TRADE"
SHORT_OF_MONEY = (
    *(
        f"201 REJECTED {code}"
        for code in ("INSUFFICIENT_FUNDS", "CREDIT_LIMIT_EXCEEDED", "DAILY_LIMIT_EXCEEDED")
    ),
    "201 REJECTED MAX_ORDER_NOTIONAL",
    SELF_TRADE,
)
SHORT_OF_SHARES = (
    "201 REJECTED INSUFFICIENT_SHARES",
    SELF_TRADE,
    "201 REJECTED DAILY_LIMIT_EXCEEDED",
)
REUSED = "422 IDEMPOTENCY_KEY_REUSED"


class Repeat(Enum):
    """The way in which an Idempotency-Key is used again."""

    NOT = "not"
    AT_ONCE = "the same at the same moment"
    LATER = "the same later"
    OTHER_AT_ONCE = "another order at the same moment"
    OTHER_LATER = "another order later"

    @property
    def is_at_once(self) -> bool:
        """Whether both requests are sent together."""
        return self in (Repeat.AT_ONCE, Repeat.OTHER_AT_ONCE)

    @property
    def is_other(self) -> bool:
        """Whether the repetition has another body, so that one of the two must be refused."""
        return self in (Repeat.OTHER_AT_ONCE, Repeat.OTHER_LATER)


@dataclass(frozen=True)
class Planned:
    """A planned request under its own key. `allowed` holds the right answers, named as in
    `Answer.outcome`.
    """

    client_id: str
    key: str
    title: str
    content: bytes
    allowed: frozenset[str]
    repeat: Repeat = Repeat.NOT
    read_back: bool = False

    @property
    def repetition_is_later(self) -> bool:
        """Whether the repetition is sent after everything else."""
        return self.repeat in (Repeat.LATER, Repeat.OTHER_LATER)

    @property
    def repetition(self) -> bytes:
        """The second request under the same key."""
        if not self.repeat.is_other:
            return self.content
        body = json.loads(self.content)
        return json.dumps(body | {"quantity": body["quantity"] + 1}).encode()


Order = dict[str, Any]
Kind = Callable[[Random, str], tuple[Order | bytes, Sequence[str]]]


def _order(
    client_id: str, symbol: str, side: str, quantity: int, time_in_force: str, percent: str | None
) -> Order:
    """A market order, or a limit order at the reference price plus `percent`."""
    order = {
        "client_id": client_id,
        "stock_symbol": symbol,
        "side": side,
        "quantity": quantity,
        "order_type": "market",
        "time_in_force": time_in_force,
    }
    if percent is None:
        return order
    price = REFERENCE_PRICE[symbol] * (100 + Decimal(percent)) / 100
    return order | {"order_type": "limit", "price": str(price.quantize(Decimal("0.01")))}


def _buy(time_in_force: str, *percents: str | None) -> Kind:
    def kind(dice: Random, client_id: str) -> tuple[Order, Sequence[str]]:
        symbol = dice.choice(sorted(REFERENCE_PRICE))
        order = _order(
            client_id, symbol, "buy", dice.randint(1, 40), time_in_force, dice.choice(percents)
        )
        return order, (ACCEPTED, *SHORT_OF_MONEY)

    return kind


def _sell(time_in_force: str, *percents: str | None) -> Kind:
    def kind(dice: Random, client_id: str) -> tuple[Order, Sequence[str]]:
        symbol = dice.choice(sorted(SHARES))
        order = _order(
            client_id, symbol, "sell", dice.randint(1, 40), time_in_force, dice.choice(percents)
        )
        return order, (ACCEPTED, *SHORT_OF_SHARES)

    return kind


def _beyond_the_money(dice: Random, client_id: str) -> tuple[Order, Sequence[str]]:
    symbol = dice.choice(sorted(REFERENCE_PRICE))
    return _order(
        client_id, symbol, "buy", dice.randint(20_000, 90_000), "DAY", None
    ), SHORT_OF_MONEY


def _beyond_the_shares(dice: Random, client_id: str) -> tuple[Order, Sequence[str]]:
    symbol = dice.choice(sorted(REFERENCE_PRICE))
    return _order(
        client_id, symbol, "sell", dice.randint(4_000, 5_000), "DAY", None
    ), SHORT_OF_SHARES[:2]


def _unknown_symbol(_: Random, client_id: str) -> tuple[Order, Sequence[str]]:
    return _order(client_id, "AAPL", "buy", 1, "DAY", None) | {"stock_symbol": "NOPE"}, (
        "201 REJECTED UNKNOWN_SYMBOL",
    )


def _off_tick(_: Random, client_id: str) -> tuple[Order, Sequence[str]]:
    return _order(client_id, "KO", "buy", 1, "DAY", "0") | {"price": "65.001"}, (
        "201 REJECTED TICK_SIZE",
    )


def _no_quantity(_: Random, client_id: str) -> tuple[Order, Sequence[str]]:
    return _order(client_id, "KO", "buy", 0, "DAY", None), ("422 VALIDATION_FAILED",)


def _no_json(_: Random, __: str) -> tuple[bytes, Sequence[str]]:
    return b'{"quantity": ', ("400 MALFORMED_JSON",)


def _for_another(_: Random, client_id: str) -> tuple[Order, Sequence[str]]:
    return _order(f"{client_id}x", "KO", "buy", 1, "DAY", None), ("403 CLIENT_MISMATCH",)


KINDS: dict[str, tuple[int, Kind]] = {
    "market buy": (28, _buy("DAY", None)),
    "market sell": (14, _sell("DAY", None)),
    "limit buy, DAY": (14, _buy("DAY", "0.5", "1", "3")),
    "limit sell, DAY": (7, _sell("DAY", "-0.5", "-1", "-3")),
    "limit buy that rests": (5, _buy("DAY", "-8", "-15")),
    "limit sell that rests": (2, _sell("DAY", "8", "15")),
    "IOC": (9, _buy("IOC", None, "0", "1")),
    "FOK": (7, _buy("FOK", None, "0", "1")),
    "beyond the money": (4, _beyond_the_money),
    "beyond the shares": (3, _beyond_the_shares),
    "unknown symbol": (1, _unknown_symbol),
    "off the tick": (1, _off_tick),
    "no quantity": (2, _no_quantity),
    "no JSON": (1, _no_json),
    "for somebody else": (2, _for_another),
}
REPEATS = {
    Repeat.NOT: 84,
    Repeat.AT_ONCE: 4,
    Repeat.LATER: 5,
    Repeat.OTHER_AT_ONCE: 3,
    Repeat.OTHER_LATER: 4,
}
READ_BACK = 0.2


def plan(client_ids: Sequence[str], requests: int, seed: int) -> list[Planned]:
    """Plan requests and deal them to the clients in turn. The same arguments give the same plan."""
    dice = Random(f"plan {seed}")  # noqa: S311
    return [
        _planned(dice, client_ids[number % len(client_ids)], number) for number in range(requests)
    ]


def _planned(dice: Random, client_id: str, number: int) -> Planned:
    (title,) = dice.choices(list(KINDS), [weight for weight, _ in KINDS.values()])
    body, allowed = KINDS[title][1](dice, client_id)
    is_order = isinstance(body, dict) and any(answer.startswith("201") for answer in allowed)
    repeat = dice.choices(list(REPEATS), list(REPEATS.values()))[0] if is_order else Repeat.NOT
    return Planned(
        client_id=client_id,
        key=f"{client_id}-{number}",
        title=title,
        content=body if isinstance(body, bytes) else json.dumps(body).encode(),
        allowed=frozenset(allowed),
        repeat=repeat,
        read_back=is_order and dice.random() < READ_BACK,
    )
