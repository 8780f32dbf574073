"""Clients and operators who send a request again under its key: spelled in another way, or with
another value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.simulation.api_gateway import Answer
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.intruders import ORDERS_PATH
from tests.simulation.market import CENT, SYMBOLS, cents
from tests.simulation.replacing import Replaced
from tests.simulation.scenario import Action
from tests.simulation.sessions import Sessions
from tests.simulation.violations import ViolationError
from trading.domain import identifiers

LATE = 200
"""Seconds, longer than most suspensions and halts."""

AMOUNTS = ("price", "stop_price", "amount", "cost")
OTHERS: Mapping[str, Callable[[Any], Any]] = {
    "quantity": lambda value: value + 1,
    "side": lambda value: "sell" if value == "buy" else "buy",
    "time_in_force": lambda value: "GTC" if value == "DAY" else "DAY",
    "stock_symbol": lambda value: next(symbol for symbol in SYMBOLS if symbol != value),
    "symbol": lambda value: next(symbol for symbol in SYMBOLS if symbol != value),
    "reason": lambda value: f"{value} again",
    "reference": lambda value: f"{value}-again",
    **dict.fromkeys(AMOUNTS, lambda value: cents(Decimal(value) + CENT)),
}
"""For each field of a request, another value that is as valid."""


@dataclass(frozen=True)
class Placed:
    """A request to place an order, and its final answer. Status 0 means no conclusive answer."""

    client_id: str
    key: str
    body: dict[str, Any]
    answer: Answer


def is_kept_refusal(answer: Answer) -> bool:
    """Whether a refusal was told that a late copy of its request must get again."""
    refused = answer.status in (404, 409, 422)
    return refused and answer.json()["code"] not in (
        "IN_PROGRESS",
        "CONCURRENT_UPDATE",
        "IDEMPOTENCY_KEY_REUSED",
        "VALIDATION_FAILED",
    )


def key_of_administration(path: str, at: float) -> str:
    """The key of an operator's request, by its path below `admin` and its time."""
    return f"{path}-{at}".replace("/", ".")


def respelled(body: Mapping[str, Any], way: int) -> bytes:
    """The same JSON object in another spelling: keys in another order, and numbers in another form.
    There are three ways.
    """
    members = [f"{json.dumps(name)} : {_spelled(name, body[name], way % 3)}" for name in body]
    return ("{\n  " + ",\t".join(reversed(members)) + " }").encode()


def _spelled(name: str, value: Any, way: int) -> str:
    if isinstance(value, int):
        return (f"{value}.0", f"{value * 10}e-1", f"{value}")[way]
    if name in AMOUNTS and re.fullmatch(r"\d+\.\d\d", value):
        zeros = "00" if name in ("price", "stop_price") else ""
        return (json.dumps(value + zeros), value, f"{value.replace('.', '')}e-2".lstrip("0"))[way]
    return json.dumps(value)


def with_another(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The body with another value of a field. If it does not have the field, of its first one."""
    name = name if name in body else min(OTHERS.keys() & body.keys())
    return {**body, name: OTHERS[name](body[name])}


def check_again(name: str, first: Answer, answer: Answer, *, is_other: bool) -> None:
    """A request that comes again gets the first answer. Another one under its key is refused.

    Raises ViolationError.
    """
    code = answer.json()["code"] if answer.status >= 400 else ""
    if answer.status in (0, 429) or answer.status >= 500:
        return
    if code in ("IN_PROGRESS", "CONCURRENT_UPDATE"):
        return
    told = f"{answer.status} {answer.body!r}, after {first.status} {first.body!r}"
    if is_other:
        if (answer.status, code) != (422, "IDEMPOTENCY_KEY_REUSED"):
            raise ViolationError("another request under a used key is refused", name, told)
        return
    same = answer.status == first.status and (
        code == first.json()["code"] if code else answer.json() == first.json()
    )
    if not same or "Idempotency-Replayed" not in answer.headers:
        raise ViolationError("a repeated request gets the first answer", name, told)


@dataclass
class Repeaters:
    """Carries out the repetitions. `placed`, `replaced` and `administered` hold the requests whose
    answers are known. The last one has the body and the first answer by path and key.
    """

    cloud: Cloud
    sessions: Sessions
    placed: list[Placed]
    replaced: list[Replaced]
    administered: dict[tuple[str, str], tuple[dict[str, Any], Answer]] = field(default_factory=dict)

    def place_again(self, action: Action) -> None:
        """Repeat the placement of an order that was accepted or rejected."""
        who, key = action.who, action.fields["key"]
        of = (p for p in self.placed if (p.client_id, p.key) == (who, key))
        first = next((p for p in of if p.answer.status == 201), None)
        if first is not None:
            body, answer = self._again(action, "POST", ORDERS_PATH, key, first.body, first.answer)
            self.placed.append(Placed(who, key, body, answer))

    def replace_again(self, action: Action) -> None:
        """Repeat the replacement of an order that was accepted or, within a day, refused."""
        who, old_key, key = action.who, action.fields["key"], action.fields["as"]
        of = [r for r in self.replaced if (r.client_id, r.key) == (who, key)]
        first = next((r for r in of if r.answer.status == 202), None)
        if first is None and not action.fields["after_a_day"]:
            first = next((r for r in of if is_kept_refusal(r.answer)), None)
        if first is not None:
            path = f"{ORDERS_PATH}/{identifiers.order_id(who, old_key)}"
            body, answer = self._again(action, "PATCH", path, key, first.body, first.answer)
            self.replaced.append(Replaced(who, old_key, key, body, answer))

    def administer_again(self, action: Action) -> None:
        """Repeat a request of an operator that was answered or refused."""
        named = action.fields["path"]
        path, key = (
            f"/api/v1/admin/{named}",
            key_of_administration(named, action.fields["first_at"]),
        )
        first = self.administered.get((path, key))
        if first is not None:
            self._again(action, action.fields["method"], path, key, *first)

    def repeat_late(self, who: str, method: str, path: str, key: str, body: bytes | None) -> None:
        """Send a late copy of an answered or refused request. It must get the first answer again
        and change nothing.
        """
        process = current()
        assert process is not None
        process.sleep(LATE)
        answer = self.sessions.request(who, method, path, key, body)
        if (
            0 < answer.status < 500
            and answer.status != 429
            and "Idempotency-Replayed" not in answer.headers
        ):
            raise ViolationError(
                "a late copy of a request does nothing", f"{who} {path}", f"{answer.status}"
            )

    def _again(
        self,
        action: Action,
        method: str,
        path: str,
        key: str,
        body: dict[str, Any],
        first: Answer,
    ) -> tuple[dict[str, Any], Answer]:
        other = action.fields.get("other")
        sent = body if other is None else with_another(body, other)
        content = respelled(sent, action.fields["way"])
        answer = self.sessions.request(action.who, method, path, key, content)
        self.cloud.log(action.who, "repeated", method, key, other, answer.status)
        name = f"{action.who} {method} {path} {key}"
        check_again(name, first, answer, is_other=other is not None)
        return sent, answer
