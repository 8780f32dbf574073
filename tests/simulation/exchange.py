"""An exchange with its own book of orders.

It executes orders at random times. Its reports may be late, doubled, wrong or missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.cloud import Cloud
from tests.simulation.engine import Process, current, raised
from tests.simulation.instants import timestamp
from tests.simulation.market import CENT, CONTINUOUS
from trading.adapters.venues.signatures import signed_headers
from trading.domain import identifiers
from trading.domain.reference.calendars import business_date, close_of, session_at
from trading.domain.values import Side, TimeInForce
from trading.wire import CALLBACK_PATH, SubmitOrder

HALF_A_CENT = Decimal("0.005")
CLOCK_ERRORS = (0.0, 0.35, -0.35, 20.0, -20.0)
"""By so many seconds the clock of an exchange may be wrong. Our books believe up to a minute."""
REPORT_TRIES, CORRECTION_TRIES = 12, 200
"""Nobody asks for the corrections of an order that is over, so they are reported for longer."""
CORRECTED_AFTER = (0.02, 2.0, 600.0, 9 * 3600.0, 24 * 3600.0, 34 * 3600.0)
CORRECTED_AGAIN = 0.3
UNKNOWN_EVENTS = ("PENDING_CANCEL", "DONE_FOR_DAY", "RESTATED", "SUSPENDED")
FINAL = ("FILLED", "CANCELED", "REJECTED", "EXPIRED")


@dataclass
class Executed:
    """An execution in the exchange's books.

    A rogue execution exceeds the order, and our books must not take it for the client's.
    """

    execution_id: str
    quantity: int
    price: Decimal
    time: str
    rogue: bool = False
    corrects: str | None = None
    peak: int = 0
    is_over: bool = False
    """It was corrected or busted."""
    correction: str | None = None
    """The execution that replaced it."""

    def replaced_by(self, exchange_id: str) -> str | None:
        """The id of the trade that replaced it in our books."""
        return self.correction and identifiers.trade_id(exchange_id, self.correction)


@dataclass
class VenueOrder:
    """An order in an exchange's book."""

    order: SubmitOrder
    status: str = "NEW"
    executions: list[Executed] = field(default_factory=list)
    reason: str | None = None
    reports: int = 0
    busted: int = 0
    busts: list[dict[str, str]] = field(default_factory=list)
    rogue: bool = False
    misreported: bool = False
    acknowledged: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    """The ids of reports of events that no reader knows."""

    @property
    def filled(self) -> int:
        """The executed quantity that stands, without rogue executions."""
        return sum(e.quantity for e in self.executions if not e.rogue and not e.is_over)

    @property
    def cumulative(self) -> int:
        """The executed quantity that stands, with rogue executions."""
        return sum(e.quantity for e in self.executions if not e.is_over)

    @property
    def leaves(self) -> int:
        """The quantity that may still be executed."""
        return 0 if self.status in FINAL else self.order.quantity - self.filled - self.busted


class SimulatedExchange:
    """One exchange. It executes the orders of its book at random times and reports by callback."""

    def __init__(
        self,
        cloud: Cloud,
        exchange_id: str,
        secret: bytes,
        prices: Mapping[str, Decimal],
        falls_ill: Callable[[Random], None],
    ) -> None:
        self.exchange_id = exchange_id
        self.orders: dict[str, VenueOrder] = {}
        self._arrived: dict[str, datetime] = {}
        self._tombstones: set[str] = set()
        self._cloud = cloud
        self._engine = cloud.engine
        self._faults = cloud.faults
        self._secret = secret
        self._chatter = Random(f"{cloud.seed}/{exchange_id}/chatter")
        self._clock_error = Random(f"{cloud.seed}/{exchange_id}/clock").choice(CLOCK_ERRORS)
        self._prices = prices
        self._falls_ill = falls_ill
        """Called after the exchange did something wrong."""

    def submit(self, order: SubmitOrder) -> tuple[int, Any]:
        """Take an order, once."""
        known = self.orders.get(order.client_order_id)
        if known is not None:
            assert known.order == order, f"{order.client_order_id} came again as another order"
            return 202, self._state(known)
        if order.client_order_id in self._tombstones:
            return 422, {"code": "CANCELED_BEFORE_ARRIVAL"}
        random = self._random(order.client_order_id)
        booked = self.orders[order.client_order_id] = VenueOrder(order)
        self._arrived[order.client_order_id] = datetime.fromtimestamp(self._engine.now, UTC)
        if self._faults.happens("venue_reject", random):
            self._end(booked, "REJECTED", "refused by the exchange", random)
        else:
            self._plan(booked, random)
        return 202, self._state(booked)

    def cancel(self, client_order_id: str) -> tuple[int, Any]:
        """Cancel an order. An order that arrives after its cancel is refused."""
        booked = self.orders.get(client_order_id)
        if booked is None:
            self._tombstones.add(client_order_id)
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
        booked = self.orders.get(client_order_id)
        return (404, {"code": "UNKNOWN_ORDER"}) if booked is None else (200, self._state(booked))

    def _random(self, client_order_id: str) -> Random:
        return Random(f"{self._cloud.seed}/{self.exchange_id}/{client_order_id}")

    def _plan(self, booked: VenueOrder, random: Random) -> None:
        """Decide at which times how much of an order is executed, and when it ends."""
        order = booked.order
        at_once = not order.time_in_force.rests
        middle = self._prices[order.symbol]
        if order.stop_price is not None:
            middle = order.stop_price
        marketable = (order.limit_price - middle) * (1 if order.side is Side.BUY else -1) >= 0
        share = (
            random.choice((0.0, 0.5, 1.0, 1.0, 1.0))
            if marketable
            else random.choice((0.0, 0.0, 0.5, 1.0))
        )
        quantity = int(order.quantity * share)
        if order.time_in_force is TimeInForce.FOK:
            quantity = order.quantity if share == 1.0 else 0
        if self._faults.happens("venue_false_report", random):
            self._engine.after(0.0, lambda: self._report_falsely(booked, random))
        delay = random.uniform(0.0, 0.2)
        if order.stop_price is not None:
            delay += (
                random.choice((0.5, 60.0, 1500.0)) * random.random()
            )  # until the price at the exchange has reached the stop price
        for part in _split(quantity, random.randint(1, 3)):
            delay += (
                random.uniform(0.001, 0.05)
                if at_once
                else random.choice((0.01, 1.0, 60.0, 1500.0)) * random.random()
            )
            self._engine.after(delay, lambda part=part: self._fill(booked, part, random))  # type: ignore[misc]
        if at_once:
            self._engine.after(
                delay + 0.05, lambda: self._end(booked, "CANCELED", "remainder", random)
            )
        elif order.time_in_force is TimeInForce.DAY and random.random() < 0.7:
            close = close_of(
                business_date(datetime.fromtimestamp(self._engine.now, UTC))
            ).timestamp()
            self._engine.at(
                close + random.uniform(0, 30),
                lambda: self._end(booked, "EXPIRED", "end of day", random),
            )

    def _fill(self, booked: VenueOrder, quantity: int, random: Random) -> None:
        order = booked.order
        if booked.status in FINAL or (order.time_in_force.rests and not self._may_execute(order)):
            return
        price = self._price(order, random)
        booked.status = (
            "FILLED"
            if booked.filled + booked.busted + quantity == order.quantity
            else "PARTIALLY_FILLED"
        )
        self._plan_correction(booked, self._execute(booked, quantity, price, random))
        if booked.status == "FILLED" and self._faults.happens("venue_overfill", random):
            booked.rogue = True
            self._falls_ill(random)
            self._execute(booked, random.randint(1, order.quantity), price, random, rogue=True)

    def _may_execute(self, order: SubmitOrder) -> bool:
        """Whether an order that rests may be executed now.

        Most symbols trade in the session only, and a DAY order only in its own.
        """
        now, none = datetime.fromtimestamp(self._engine.now, UTC), timedelta(0)
        in_session = session_at(now, none, none)
        if order.time_in_force is TimeInForce.DAY:
            arrived = self._arrived[order.client_order_id]
            if now >= close_of(business_date(arrived)):
                return False
        return order.symbol == CONTINUOUS or in_session is not None

    def _clock(self) -> float:
        """The time by the exchange's own clock."""
        return self._engine.now + self._clock_error

    def _price(self, order: SubmitOrder, random: Random) -> Decimal:
        near = (order.stop_price or self._prices[order.symbol]) + HALF_A_CENT * random.randint(
            -16, 16
        )
        return (
            min(near, order.limit_price) if order.side is Side.BUY else max(near, order.limit_price)
        )

    def _execute(
        self,
        booked: VenueOrder,
        quantity: int,
        price: Decimal,
        random: Random,
        *,
        rogue: bool = False,
    ) -> Executed:
        execution_id, now = self._next_id(booked), timestamp(self._clock())
        done = Executed(execution_id, quantity, price, now, rogue, peak=quantity)
        booked.executions.append(done)
        self._cloud.log(
            self.exchange_id, "executed", booked.order.client_order_id, quantity, price, rogue
        )
        self._report(booked, execution_id, "TRADE", random, quantity=quantity, price=price)
        if self._faults.happens("venue_wrong_report", random):
            booked.misreported = True
            self._falls_ill(random)
            wrong = random.choice(
                (
                    {"last_quantity": 0},
                    {"symbol": "WRONG"},
                    {"account": "nobody"},
                    {"client_order_id": "none-1"},
                    {"transact_time": timestamp(self._clock() - 366 * 86_400)},
                    {"transact_time": timestamp(self._clock() + 4 * 366 * 86_400)},
                    {"last_quantity": 1, "last_price": str(self._worse(booked.order))},
                )
            )
            self._report(
                booked,
                self._next_id(booked),
                "TRADE",
                random,
                quantity=quantity,
                price=price,
                wrong=wrong,
            )
        return done

    def _plan_correction(self, booked: VenueOrder, done: Executed, after: float = 0.0) -> None:
        """Decide whether an execution is corrected or busted, and when: before clearing, after it,
        on the settlement date, or after settlement.
        """
        random = self._random(f"{done.execution_id}/correction")
        kind = next(
            (k for k in ("venue_bust", "venue_correct") if self._faults.happens(k, random)), None
        )
        if self._faults.happens("venue_wrong_bust", random):
            self._engine.after(2.0, lambda: self._bust_wrongly(booked, random))
        if kind is None:
            return
        delay = after + random.choice(CORRECTED_AFTER) * random.uniform(0.9, 1.0)
        self._engine.after(delay, lambda: self._correct(booked, done, kind, random))

    def _correct(self, booked: VenueOrder, done: Executed, kind: str, random: Random) -> None:
        if booked.rogue or booked.misreported:
            return
        execution_id, now = self._next_id(booked), timestamp(self._clock())
        done.is_over = True
        changed = {"reference_execution_id": done.execution_id}
        self._cloud.log(self.exchange_id, kind, done.execution_id, execution_id)
        if kind == "venue_bust":
            booked.busted += done.quantity
            bust = {"execution_id": execution_id, "transact_time": now, **changed}
            booked.busts.append(bust)
            self._report(booked, execution_id, "TRADE_CANCEL", random, wrong=changed)
            return
        quantity = random.choice((done.quantity, done.peak, random.randint(1, done.peak)))
        price = self._price(booked.order, random)
        booked.busted += done.quantity - quantity
        done.correction = execution_id
        corrected = Executed(
            execution_id, quantity, price, now, corrects=done.execution_id, peak=done.peak
        )
        booked.executions.append(corrected)
        self._report(
            booked,
            execution_id,
            "TRADE_CORRECT",
            random,
            quantity=quantity,
            price=price,
            wrong=changed,
        )
        if random.random() < CORRECTED_AGAIN:
            again = random.choice(("venue_correct", "venue_bust"))
            delay = random.choice((0.01, 5.0, 900.0))
            self._engine.after(delay, lambda: self._correct(booked, corrected, again, random))

    def _bust_wrongly(self, booked: VenueOrder, random: Random) -> None:
        booked.misreported = True
        wrong = {"reference_execution_id": "never executed"}
        self._report(booked, self._next_id(booked), "TRADE_CANCEL", random, wrong=wrong)

    def _report_falsely(self, booked: VenueOrder, random: Random) -> None:
        booked.misreported = True
        self._falls_ill(random)
        order = booked.order
        self._report(
            booked,
            self._next_id(booked),
            "TRADE",
            random,
            quantity=order.quantity,
            price=self._worse(order),
        )

    @staticmethod
    def _worse(order: SubmitOrder) -> Decimal:
        """A price at which the order must not be executed."""
        return (order.limit_price * (2 if order.side is Side.BUY else Decimal("0.5"))).quantize(
            CENT
        )

    def _end(self, booked: VenueOrder, status: str, reason: str, random: Random) -> None:
        if booked.status in FINAL:
            return
        booked.status, booked.reason = status, reason
        self._cloud.log(self.exchange_id, status, booked.order.client_order_id)
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
            "cumulative_quantity": booked.cumulative,
            "leaves_quantity": booked.leaves,
            "busted_quantity": booked.busted,
            "reason": booked.reason,
            "transact_time": timestamp(self._clock()),
            "correlation_id": order.correlation_id,
            **(wrong or {}),
        }
        if wrong is None and self._faults.happens("venue_says_more", self._chatter):
            self._say_more(booked, report)
        is_correction = exec_type in ("TRADE_CORRECT", "TRADE_CANCEL")
        if not is_correction and self._faults.happens("venue_silent", random):
            self._cloud.log(self.exchange_id, "keeps silent of", execution_id)
            return
        delay = random.uniform(0.005, 0.1)
        if self._faults.happens("venue_report_late", random):
            delay += random.choice((5, 200, 4000, 30_000)) * random.random()
        copies = 2 if self._faults.happens("venue_report_twice", random) else 1
        for copy in range(copies):
            self._engine.after(delay, partial(self._send, booked, report, copy))
            delay += random.choice((0.0, 0.01, 400.0))

    def _say_more(self, booked: VenueOrder, report: dict[str, Any]) -> None:
        """Add a field to a report. Send an event before it that no reader knows."""
        report["venue_flags"] = {"liquidity": "A"}
        number = len(booked.events) + 1
        event = report | {
            "execution_id": f"{booked.order.client_order_id[-12:]}-event-{number}",
            "exec_type": self._chatter.choice(UNKNOWN_EVENTS),
            "last_quantity": 0,
            "last_price": "0",
        }
        booked.events.add(event["execution_id"])
        self._engine.after(0.001, partial(self._send, booked, event, 0))

    def _send(self, booked: VenueOrder, report: dict[str, Any], copy: int) -> None:
        body = json.dumps(report).encode()
        execution_id = report["execution_id"]
        name = f"{self.exchange_id} report {execution_id}.{copy}"

        def deliver() -> None:
            process = current()
            assert process is not None
            is_correction = "reference_execution_id" in report
            for attempt in range(CORRECTION_TRIES if is_correction else REPORT_TRIES):
                answer = self._post(
                    process, body, f"{self.exchange_id}:{execution_id}", f"{name} #{attempt}"
                )
                if answer.status == 200:
                    booked.acknowledged.add(execution_id)
                    return
                process.sleep(min(2.0**attempt, 60) * process.random.uniform(0.5, 1))

        Process(
            self._engine,
            name,
            Random(f"{self._cloud.seed}/{name}"),
            deliver,
            raised,
        )

    def _post(self, process: Process, body: bytes, idempotency_key: str, key: str) -> Answer:
        headers = signed_headers(
            self.exchange_id,
            self._secret,
            int(self._engine.now),
            "POST",
            CALLBACK_PATH,
            body,
            {"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
        )
        request = Request("public", "POST", CALLBACK_PATH, headers, body, key)
        answer: Answer = process.wait(partial(self._cloud.api.send, request))
        return answer

    def _state(self, booked: VenueOrder) -> dict[str, Any]:
        """What the exchange answers about an order. While it works, the status may be a word that
        no reader knows.
        """
        state = self._known_state(booked)
        if self._faults.happens("venue_says_more", self._chatter):
            state["venue_flags"] = [1, 2]
            state["executions"] = [{"note": "no execution"}, *state["executions"]]
            if booked.status not in FINAL:
                state["status"] = self._chatter.choice(UNKNOWN_EVENTS)
        return state

    def _known_state(self, booked: VenueOrder) -> dict[str, Any]:
        return {
            "exchange_id": self.exchange_id,
            "client_order_id": booked.order.client_order_id,
            "exchange_order_id": f"{self.exchange_id}-{booked.order.client_order_id}",
            "status": booked.status,
            "quantity": booked.order.quantity,
            "cumulative_quantity": booked.cumulative,
            "leaves_quantity": booked.leaves,
            "busted_quantity": booked.busted,
            "reason": booked.reason,
            "busts": booked.busts,
            "executions": [
                {
                    "execution_id": e.execution_id,
                    "quantity": e.quantity,
                    "price": str(e.price),
                    "transact_time": e.time,
                    "reference_execution_id": e.corrects,
                }
                for e in booked.executions
            ],
        }


def _split(quantity: int, parts: int) -> list[int]:
    each = quantity // parts
    return [q for q in (*[each] * (parts - 1), quantity - each * (parts - 1)) if q]
