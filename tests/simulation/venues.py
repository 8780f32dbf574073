"""The outside world as a simulation needs it: exchanges and a depository that keep their own books and may misbehave.

They have the interface of real ones (`trading.wire`, signed requests, callbacks); what they did is the truth that our
books are held against.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import urllib3

from tests.simulation.cloud import STAGE, Answer, Cloud
from tests.simulation.engine import Process, current
from trading.adapters.signatures import sign, verify
from trading.domain.calendar import business_date, close_of
from trading.domain.values import Side, TimeInForce
from trading.wire import CALLBACK_PATH, SettlementInstruction, SubmitOrder

CENT, HALF_A_CENT = Decimal("0.01"), Decimal("0.005")
EXCHANGE_TIMEOUT, DEPOSITORY_TIMEOUT = 1.5, 3.5
REPORT_TRIES = 12
FINAL = ("FILLED", "CANCELED", "REJECTED", "EXPIRED")
ORDER_PATH = re.compile(r"/exchanges/(\w+)/orders(?:/([^/]+))?")


@dataclass(frozen=True)
class HttpResponse:
    """What of urllib3's response is read."""

    status: int
    data: bytes


@dataclass
class Executed:
    """An execution as the exchange has it. `rogue`: more than was ordered; no book may take it for the client's."""

    execution_id: str
    quantity: int
    price: Decimal
    time: str
    rogue: bool = False


@dataclass
class VenueOrder:
    """An order in an exchange's book."""

    order: SubmitOrder
    accepted_at: float
    status: str = "NEW"
    executions: list[Executed] = field(default_factory=list)
    reason: str | None = None
    reports: int = 0
    rogue: bool = False
    misreported: bool = False
    acknowledged: set[str] = field(default_factory=set)

    @property
    def filled(self) -> int:
        """What was executed, rogue executions left out."""
        return sum(e.quantity for e in self.executions if not e.rogue)

    @property
    def leaves(self) -> int:
        """What may still be executed."""
        return 0 if self.status in FINAL else self.order.quantity - self.filled


class Outside:
    """Everything that is not ours, behind HTTP."""

    def __init__(
        self,
        cloud: Cloud,
        prices: Mapping[str, Decimal],
        exchange_ids: tuple[str, ...],
        trading: tuple[float, float],
        settling: tuple[float, float],
    ) -> None:
        self.cloud = cloud
        self.engine = cloud.engine
        self.faults = cloud.faults
        self.prices = prices
        self.random = Random(f"{cloud.seed}/outside")
        self.exchanges = {e: SimulatedExchange(self, e) for e in exchange_ids}
        self.depository = SimulatedDepository(self)
        self.secrets = {venue: f"secret of {venue} ".encode() * 4 for venue in (*exchange_ids, "depository")}
        self.submitted: list[str] = []
        """Child orders in the order in which they were sent here, arrived or not."""
        self.tried: list[str] = []
        """The same, and those that were asked for without an answer: nobody knows whether they were sent before."""
        hours = dict.fromkeys(exchange_ids, trading) | {"depository": settling}
        self._down = self._planned("venue_down", hours)
        self._hangs = self._planned("venue_hangs", hours)
        self._ever_overloaded: set[str] = set()
        self._overloaded: dict[str, float] = {}
        """Until when a venue that left somebody without an answer refuses every other request."""

    def _planned(self, fault: str, hours: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        """From when to when a fault lasts at which venues; it begins while they are at work."""
        planned = {}
        for venue, (opens, closes) in hours.items():
            if self.faults.happens(fault, self.random):
                start = self.random.uniform(opens, closes)
                planned[venue] = (start, start + self.random.choice((20, 200, 4000)))
        return planned

    @property
    def ever_out(self) -> Collection[str]:
        """The venues that were out of reach for a while, or will be."""
        return self._down.keys() | self._hangs.keys() | self._ever_overloaded

    def falls_ill(self, venue: str, random: Random) -> None:
        """A venue that does something wrong may hang from now on."""
        if self.faults.happens("venue_ill", random):
            self._hangs[venue] = (self.engine.now, self.engine.now + random.choice((5, 60, 600)))

    def is_down(self, venue: str) -> bool:
        """Whether a venue is out of reach now."""
        return self._now(self._down, venue)

    def _now(self, planned: Mapping[str, tuple[float, float]], venue: str) -> bool:
        start, end = planned.get(venue, (0.0, 0.0))
        return start <= self.engine.now < end

    def http(self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        """In the place of urllib3's request, for the functions: the answer, or urllib3's errors."""
        process = current()
        assert process is not None
        headers = headers or {}
        venue = headers["X-Key-Id"]
        path = url.split(f"/{STAGE}", 1)[1]
        timeout = DEPOSITORY_TIMEOUT if venue == "depository" else EXCHANGE_TIMEOUT
        if method == "POST" and venue != "depository":
            self.submitted.append(json.loads(body or b"{}")["client_order_id"])
            self.tried.append(self.submitted[-1])
        lost = self.faults.happens("venue_no_answer", process.random) or self._now(self._hangs, venue)
        busy = self.faults.happens("venue_busy", process.random) or (
            self._overloaded.get(venue, 0.0) > self.engine.now and process.random.random() < 0.5
        )
        if lost:
            self._overloaded[venue] = self.engine.now + 10
        effect = process.random.random() < 0.5
        process.sleep(process.random.uniform(0.005, 0.1))
        if self.faults.happens("killed_before", process.random):
            process.die("killed before HTTP")
        if method == "POST" and self.faults.happens("venue_sender_dies", process.random):
            if effect:
                self.engine.after(
                    process.random.choice((1, 200, 1000)) * process.random.random(),
                    lambda: self.cloud.log("orphan", self._serve(venue, method, path, body or b"", False)),
                )
            self._overloaded[venue] = self.engine.now + process.random.choice((10, 200, 800))
            self._ever_overloaded.add(venue)
            process.die(f"killed during {method} {path}, which {'arrives' if effect else 'never arrives'}")
        matched = ORDER_PATH.fullmatch(path)
        asked = matched[2] if matched else None
        if asked and lost:
            self.tried.append(asked)
        if lost and not effect:
            if self.faults.happens("venue_late_arrival", process.random):
                self.cloud.log(process.name, method, path, "arrives late")
                late = process.random.uniform(1, 90)
                self.engine.after(
                    late, lambda: self.cloud.log("late", self._serve(venue, method, path, body or b"", False))
                )
            else:
                self.cloud.log(process.name, method, path, "never arrived")
            process.sleep(timeout)
            raise urllib3.exceptions.ReadTimeoutError(None, url, "no answer")  # type: ignore[arg-type]
        lowered = {name.lower(): value for name, value in headers.items()}
        verify(lowered, [self.secrets[venue]], int(self.engine.now), method, path, body or b"")
        status, answer = self._serve(venue, method, path, body or b"", busy)
        self.cloud.log(process.name, method, path, status, "answer lost" if lost else answer)
        if asked and status == 503:
            self.tried.append(asked)
        if self.faults.happens("killed_after", process.random):
            process.die("killed after HTTP")
        if lost:
            process.sleep(timeout)
            raise urllib3.exceptions.ReadTimeoutError(None, url, "no answer")  # type: ignore[arg-type]
        return HttpResponse(status, json.dumps(answer).encode())

    def _serve(self, venue: str, method: str, path: str, body: bytes, busy: bool) -> tuple[int, Any]:
        parts = urlsplit(path)
        if parts.path.startswith("/quotes/"):
            return 200, self._quotes(parts.path.removeprefix("/quotes/"))
        if busy or self.is_down(venue):
            return 503, {"code": "DOWN"}
        if parts.path == "/depository/instructions":
            return self.depository.instruct(SettlementInstruction.model_validate_json(body))
        if parts.path == "/depository/confirmations":
            return self.depository.confirmations(parse_qs(parts.query))
        matched = ORDER_PATH.fullmatch(parts.path)
        assert matched is not None, path
        assert matched[1] == venue, path
        exchange = self.exchanges[venue]
        if method == "POST":
            return exchange.submit(SubmitOrder.model_validate_json(body))
        return exchange.cancel(matched[2]) if method == "DELETE" else exchange.status(matched[2])

    def _quotes(self, symbol: str) -> dict[str, Any]:
        price, quotes = self.prices[symbol], []
        for exchange_id in self.exchanges:
            if self.is_down(exchange_id):
                continue
            half_spread = CENT * self.random.randint(1, 4)
            middle = price + CENT * self.random.randint(-5, 5)
            quotes.append(
                {
                    "exchange_id": exchange_id,
                    "bid": str(middle - half_spread),
                    "bid_size": self.random.choice((50, 200, 1000, 100_000)),
                    "ask": str(middle + half_spread),
                    "ask_size": self.random.choice((50, 200, 1000, 100_000)),
                }
            )
        return {"symbol": symbol, "as_of": self.timestamp(), "quotes": quotes}

    def timestamp(self) -> str:
        """Now, as it is written on the wire."""
        return datetime.fromtimestamp(self.engine.now, UTC).isoformat().replace("+00:00", "Z")


class SimulatedExchange:
    """One exchange: a book of orders, executed at random times, reported by callback."""

    def __init__(self, outside: Outside, exchange_id: str) -> None:
        self.exchange_id = exchange_id
        self.orders: dict[str, VenueOrder] = {}
        self.arrived: list[str] = []
        self.tombstones: set[str] = set()
        self._outside = outside
        self._engine = outside.engine
        self._faults = outside.faults

    def submit(self, order: SubmitOrder) -> tuple[int, Any]:
        """Take an order, once."""
        known = self.orders.get(order.client_order_id)
        if known is not None:
            assert known.order == order, f"{order.client_order_id} came again as another order"
            return 202, self._state(known)
        if order.client_order_id in self.tombstones:
            return 422, {"code": "CANCELED_BEFORE_ARRIVAL"}
        random = self._random(order.client_order_id)
        booked = self.orders[order.client_order_id] = VenueOrder(order, self._engine.now)
        self.arrived.append(order.client_order_id)
        if self._faults.happens("venue_reject", random):
            self._end(booked, "REJECTED", "refused by the exchange", random)
        else:
            self._plan(booked, random)
        return 202, self._state(booked)

    def cancel(self, client_order_id: str) -> tuple[int, Any]:
        """Take an order back; one that has not come may not come any more."""
        booked = self.orders.get(client_order_id)
        if booked is None:
            self.tombstones.add(client_order_id)
            return 200, {
                "exchange_id": self.exchange_id,
                "client_order_id": client_order_id,
                "exchange_order_id": f"{self.exchange_id}-none",
                "status": "CANCELED",
                "quantity": 0,
                "cumulative_quantity": 0,
                "leaves_quantity": 0,
            }
        if booked.status not in FINAL:
            booked.status, booked.reason = "CANCELED", "canceled on request"
        return 200, self._state(booked)

    def status(self, client_order_id: str) -> tuple[int, Any]:
        """What is known of an order."""
        booked = self.orders.get(client_order_id)
        return (404, {"code": "UNKNOWN_ORDER"}) if booked is None else (200, self._state(booked))

    def _random(self, client_order_id: str) -> Random:
        return Random(f"{self._outside.cloud.seed}/{self.exchange_id}/{client_order_id}")

    def _plan(self, booked: VenueOrder, random: Random) -> None:
        """Decide what becomes of an order: at which times how much of it is executed, and when it ends."""
        order = booked.order
        at_once = not order.time_in_force.rests
        middle = self._outside.prices[order.symbol]
        if order.stop_price is not None:
            middle = order.stop_price
        marketable = (order.limit_price - middle) * (1 if order.side is Side.BUY else -1) >= 0
        share = random.choice((0.0, 0.5, 1.0, 1.0, 1.0)) if marketable else random.choice((0.0, 0.0, 0.5, 1.0))
        quantity = int(order.quantity * share)
        if order.time_in_force is TimeInForce.FOK:
            quantity = order.quantity if share == 1.0 else 0
        if self._faults.happens("venue_false_report", random):
            self._engine.after(0.0, lambda: self._report_falsely(booked, random))
        delay = random.uniform(0.0, 0.2)
        if order.stop_price is not None:
            delay += random.choice((0.5, 60.0, 1500.0)) * random.random()  # until the price there has reached it
        for part in _split(quantity, random.randint(1, 3)):
            delay += (
                random.uniform(0.001, 0.05) if at_once else random.choice((0.01, 1.0, 60.0, 1500.0)) * random.random()
            )
            self._engine.after(delay, lambda part=part: self._fill(booked, part, random))  # type: ignore[misc]
        if at_once:
            self._engine.after(delay + 0.05, lambda: self._end(booked, "CANCELED", "remainder", random))
        elif order.time_in_force is TimeInForce.DAY and random.random() < 0.7:
            close = close_of(business_date(datetime.fromtimestamp(self._engine.now, UTC))).timestamp()
            self._engine.at(close + random.uniform(0, 30), lambda: self._end(booked, "EXPIRED", "end of day", random))

    def _fill(self, booked: VenueOrder, quantity: int, random: Random) -> None:
        if booked.status in FINAL:
            return
        order = booked.order
        price = self._price(order, random)
        booked.status = "FILLED" if booked.filled + quantity == order.quantity else "PARTIALLY_FILLED"
        self._execute(booked, quantity, price, random)
        if booked.status == "FILLED" and self._faults.happens("venue_overfill", random):
            booked.rogue = True
            self._outside.falls_ill(self.exchange_id, random)
            self._execute(booked, random.randint(1, order.quantity), price, random, rogue=True)

    def _price(self, order: SubmitOrder, random: Random) -> Decimal:
        near = (order.stop_price or self._outside.prices[order.symbol]) + HALF_A_CENT * random.randint(-16, 16)
        return min(near, order.limit_price) if order.side is Side.BUY else max(near, order.limit_price)

    def _execute(
        self, booked: VenueOrder, quantity: int, price: Decimal, random: Random, *, rogue: bool = False
    ) -> None:
        execution_id = self._next_id(booked)
        done = Executed(execution_id, quantity, price, self._outside.timestamp(), rogue)
        booked.executions.append(done)
        self._outside.cloud.log(self.exchange_id, "executed", booked.order.client_order_id, quantity, price, rogue)
        self._report(booked, execution_id, "TRADE", random, quantity=quantity, price=price)
        if self._faults.happens("venue_wrong_report", random):
            booked.misreported = True
            self._outside.falls_ill(self.exchange_id, random)
            wrong = random.choice(
                (
                    {"last_quantity": 0},
                    {"symbol": "WRONG"},
                    {"account": "nobody"},
                    {"client_order_id": "none-1"},
                    {"last_quantity": 1, "last_price": str(self._worse(booked.order))},
                )
            )
            self._report(booked, self._next_id(booked), "TRADE", random, quantity=quantity, price=price, wrong=wrong)

    def _report_falsely(self, booked: VenueOrder, random: Random) -> None:
        booked.misreported = True
        self._outside.falls_ill(self.exchange_id, random)
        order = booked.order
        self._report(booked, self._next_id(booked), "TRADE", random, quantity=order.quantity, price=self._worse(order))

    @staticmethod
    def _worse(order: SubmitOrder) -> Decimal:
        """A price that the order may not be executed at."""
        return (order.limit_price * (2 if order.side is Side.BUY else Decimal("0.5"))).quantize(CENT)

    def _end(self, booked: VenueOrder, status: str, reason: str, random: Random) -> None:
        if booked.status in FINAL:
            return
        booked.status, booked.reason = status, reason
        self._outside.cloud.log(self.exchange_id, status, booked.order.client_order_id)
        self._report(booked, self._next_id(booked), status, random)

    @staticmethod
    def _next_id(booked: VenueOrder) -> str:
        booked.reports += 1
        return f"{booked.order.client_order_id[-12:]}-{booked.reports}"

    def _report(
        self,
        booked: VenueOrder,
        execution_id: str,
        exec_type: str,
        random: Random,
        *,
        quantity: int = 0,
        price: Decimal | None = None,
        wrong: Mapping[str, Any] | None = None,
    ) -> None:
        order = booked.order
        report = {
            "exchange_id": self.exchange_id,
            "execution_id": execution_id,
            "client_order_id": order.client_order_id,
            "exchange_order_id": f"{self.exchange_id}-{order.client_order_id}"[:64],
            "account": order.account,
            "symbol": order.symbol,
            "side": order.side,
            "exec_type": exec_type,
            "last_quantity": quantity,
            "last_price": None if price is None else str(price),
            "cumulative_quantity": sum(e.quantity for e in booked.executions),
            "leaves_quantity": booked.leaves,
            "reason": booked.reason,
            "transact_time": self._outside.timestamp(),
            "correlation_id": order.correlation_id,
            **(wrong or {}),
        }
        if self._faults.happens("venue_silent", random):
            self._outside.cloud.log(self.exchange_id, "keeps silent of", execution_id)
            return
        delay = random.uniform(0.005, 0.1)
        if self._faults.happens("venue_report_late", random):
            delay += random.choice((5, 200, 4000, 30_000)) * random.random()
        copies = 2 if self._faults.happens("venue_report_twice", random) else 1
        for copy in range(copies):
            self._engine.after(delay, partial(self._send, booked, report, copy))
            delay += random.choice((0.0, 0.01, 400.0))

    def _send(self, booked: VenueOrder, report: dict[str, Any], copy: int) -> None:
        body = json.dumps(report).encode()
        execution_id = report["execution_id"]
        name = f"{self.exchange_id} report {execution_id}.{copy}"
        outside = self._outside

        def deliver() -> None:
            process = current()
            assert process is not None
            for attempt in range(REPORT_TRIES):
                answer = self._post(process, body, f"{self.exchange_id}:{execution_id}", f"{name} #{attempt}")
                if answer.status == 200:
                    booked.acknowledged.add(execution_id)
                    return
                process.sleep(min(2.0**attempt, 60) * process.random.uniform(0.5, 1))

        Process(
            self._engine,
            name,
            Random(f"{outside.cloud.seed}/{name}"),
            deliver,
            lambda outcome: _raise(outcome.error),
        )

    def _post(self, process: Process, body: bytes, idempotency_key: str, key: str) -> Answer:
        timestamp = int(self._engine.now)
        secret = self._outside.secrets[self.exchange_id]
        headers = {
            "X-Key-Id": self.exchange_id,
            "X-Timestamp": str(timestamp),
            "X-Signature": sign(secret, timestamp, "POST", CALLBACK_PATH, body),
            "Idempotency-Key": idempotency_key,
        }
        request = self._outside.cloud.request
        answer: Answer = process.wait(lambda done: request("public", "POST", CALLBACK_PATH, headers, body, key, done))
        return answer

    def _state(self, booked: VenueOrder) -> dict[str, Any]:
        return {
            "exchange_id": self.exchange_id,
            "client_order_id": booked.order.client_order_id,
            "exchange_order_id": f"{self.exchange_id}-{booked.order.client_order_id}",
            "status": booked.status,
            "quantity": booked.order.quantity,
            "cumulative_quantity": sum(e.quantity for e in booked.executions),
            "leaves_quantity": booked.leaves,
            "reason": booked.reason,
            "executions": [
                {
                    "execution_id": e.execution_id,
                    "quantity": e.quantity,
                    "price": str(e.price),
                    "transact_time": e.time,
                }
                for e in booked.executions
            ],
        }


class SimulatedDepository:
    """Settles instructions, once each. What it settled is final, whatever it said."""

    def __init__(self, outside: Outside) -> None:
        self.instructions: dict[str, SettlementInstruction] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.wrong: set[str] = set()
        self.failed: set[str] = set()
        self._outside = outside

    def instruct(self, instruction: SettlementInstruction) -> tuple[int, Any]:
        """Delivery versus payment; the same instruction gets the same answer."""
        known = self.instructions.get(instruction.instruction_id)
        if known is not None:
            assert known == instruction, f"{instruction.instruction_id} came again as another instruction"
            return 200, self.answers[instruction.instruction_id]
        name = instruction.instruction_id
        random = Random(f"{self._outside.cloud.seed}/depository/{name}")
        self.instructions[name] = instruction
        answer = json.loads(instruction.model_dump_json(exclude={"settlement_account", "counterparty"})) | {
            "confirmation_id": f"cnf-{name}",
            "status": "SETTLED",
            "confirmed_at": self._outside.timestamp(),
        }
        if self._outside.faults.happens("depository_fails", random):
            answer |= {"status": "FAILED", "reason": "the counterparty lacks the shares"}
            self.failed.add(name)
        elif self._outside.faults.happens("depository_wrong", random):
            answer |= {"amount": str(instruction.amount + 1)}
            self.wrong.add(name)
        self.answers[name] = answer
        return 200, answer

    def confirmations(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        """A settlement date's confirmations, some of them twice."""
        day = query["settlement_date"][0]
        of_day = [answer for answer in self.answers.values() if answer["settlement_date"] == day]
        start = int(query.get("cursor", ["0"])[0])
        page = of_day[start : start + 20]
        twice = [answer for answer in page if self._outside.faults.happens("depository_twice", self._outside.random)]
        following = str(start + 20) if start + 20 < len(of_day) else None
        return 200, {"confirmations": page + twice, "next_cursor": following}


def _split(quantity: int, parts: int) -> list[int]:
    each = quantity // parts
    return [q for q in (*[each] * (parts - 1), quantity - each * (parts - 1)) if q]


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error
