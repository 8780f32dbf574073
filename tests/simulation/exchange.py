"""An exchange with its own book of orders. It executes orders at random times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.simulation.cloud import Cloud
from tests.simulation.instants import timestamp
from tests.simulation.market import CENT, CONTINUOUS
from tests.simulation.venue_orders import FINAL, Executed, VenueOrder
from tests.simulation.venue_reports import Reports, id_separator
from trading.domain.reference.calendars import business_date, close_of, session_at
from trading.domain.values import Side, TimeInForce
from trading.wire import SubmitOrder

HALF_A_CENT = Decimal("0.005")
CORRECTED_AFTER = (0.02, 2.0, 600.0, 9 * 3600.0, 24 * 3600.0, 34 * 3600.0)
CORRECTED_AGAIN = 0.3


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
        self._reports = Reports(cloud, exchange_id, secret)
        self._prices = prices
        self._falls_ill = falls_ill
        """Called after the exchange did something wrong."""

    def submit(self, order: SubmitOrder) -> tuple[int, Any]:
        """Take an order, once."""
        known = self.orders.get(order.client_order_id)
        if known is not None:
            assert known.order == order, f"{order.client_order_id} came again as another order"
            return 202, self._reports.state(known)
        if order.client_order_id in self._tombstones:
            return 422, {"code": "CANCELED_BEFORE_ARRIVAL"}
        random = self._random(order.client_order_id)
        booked = self.orders[order.client_order_id] = VenueOrder(
            order, id_separator=id_separator(self._cloud.seed)
        )
        self._arrived[order.client_order_id] = datetime.fromtimestamp(self._engine.now, UTC)
        if self._faults.happens("venue_reject", random):
            self._end(booked, "REJECTED", "refused by the exchange", random)
        else:
            self._plan(booked, random)
        return 202, self._reports.state(booked)

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
        return 200, self._reports.state(booked)

    def status(self, client_order_id: str) -> tuple[int, Any]:
        booked = self.orders.get(client_order_id)
        if booked is None:
            return 404, {"code": "UNKNOWN_ORDER"}
        return 200, self._reports.state(booked)

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
        execution_id, now = booked.next_id(), timestamp(self._reports.clock())
        done = Executed(execution_id, quantity, price, now, rogue, peak=quantity)
        booked.executions.append(done)
        self._cloud.log(
            self.exchange_id, "executed", booked.order.client_order_id, quantity, price, rogue
        )
        self._reports.send(booked, execution_id, "TRADE", random, quantity=quantity, price=price)
        if self._faults.happens("venue_wrong_report", random):
            booked.misreported = True
            self._falls_ill(random)
            wrong = random.choice(
                (
                    {"last_quantity": 0},
                    {"symbol": "WRONG"},
                    {"account": "nobody"},
                    {"client_order_id": "none-1"},
                    {"transact_time": timestamp(self._reports.clock() - 366 * 86_400)},
                    {"transact_time": timestamp(self._reports.clock() + 4 * 366 * 86_400)},
                    {"last_quantity": 1, "last_price": str(self._worse(booked.order))},
                )
            )
            self._reports.send(
                booked,
                booked.next_id(),
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
        execution_id, now = booked.next_id(), timestamp(self._reports.clock())
        done.is_over = True
        changed = {"reference_execution_id": done.execution_id}
        self._cloud.log(self.exchange_id, kind, done.execution_id, execution_id)
        if kind == "venue_bust":
            booked.busted += done.quantity
            bust = {"execution_id": execution_id, "transact_time": now, **changed}
            booked.busts.append(bust)
            self._reports.send(booked, execution_id, "TRADE_CANCEL", random, wrong=changed)
            return
        quantity = random.choice((done.quantity, done.peak, random.randint(1, done.peak)))
        price = self._price(booked.order, random)
        booked.busted += done.quantity - quantity
        done.correction = execution_id
        corrected = Executed(
            execution_id, quantity, price, now, corrects=done.execution_id, peak=done.peak
        )
        booked.executions.append(corrected)
        self._reports.send(
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
        self._reports.send(booked, booked.next_id(), "TRADE_CANCEL", random, wrong=wrong)

    def _report_falsely(self, booked: VenueOrder, random: Random) -> None:
        booked.misreported = True
        self._falls_ill(random)
        order = booked.order
        self._reports.send(
            booked,
            booked.next_id(),
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
        self._reports.send(booked, booked.next_id(), status, random)


def _split(quantity: int, parts: int) -> list[int]:
    each = quantity // parts
    return [q for q in (*[each] * (parts - 1), quantity - each * (parts - 1)) if q]
