"""What an exchange says of its orders: late, doubled, with words that no reader knows, or never."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.cloud import Cloud
from tests.simulation.engine import Process, current, raised
from tests.simulation.instants import timestamp
from tests.simulation.venue_orders import FINAL, VenueOrder
from tests.simulation.violations import ViolationError
from trading.adapters.venues.signatures import signed_headers
from trading.wire import CALLBACK_PATH, ExecutionReport

CLOCK_ERRORS = (0.0, 0.35, -0.35, 20.0, -20.0)
"""By so many seconds the clock of an exchange may be wrong. Our books believe up to a minute."""
REPORT_TRIES, CORRECTION_TRIES = 12, 200
"""Nobody asks for the corrections of an order that is over, so they are reported for longer."""
NEVER_TAKEN = (400, 403, 422)
ODD_IDS_EVERY, ODD = 5, "/ =%é#"
"""Execution ids have odd characters in one of so many seeds."""
UNREADABLE = (1e99, float("nan"), 10**50)
"""Numbers that no reader expands, or that are no JSON."""
UNKNOWN_EVENTS = ("PENDING_CANCEL", "DONE_FOR_DAY", "RESTATED", "SUSPENDED")


def id_separator(seed: str) -> str:
    """What stands between the parts of an execution id."""
    return ODD if int(seed) % ODD_IDS_EVERY == 0 else "-"


class Reports:
    """Sends the reports of an exchange by callback, until they are taken."""

    def __init__(self, cloud: Cloud, exchange_id: str, secret: bytes) -> None:
        self._cloud = cloud
        self._engine = cloud.engine
        self._exchange_id = exchange_id
        self._faults = cloud.faults
        self._secret = secret
        self._chatter = Random(f"{cloud.seed}/{exchange_id}/chatter")
        self._repetitions = 0
        self._clock_error = Random(f"{cloud.seed}/{exchange_id}/clock").choice(CLOCK_ERRORS)

    def clock(self) -> float:
        """The time by the exchange's own clock."""
        return self._engine.now + self._clock_error

    def send(
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
        """Report something about an order. `wrong` replaces fields of the report."""
        order = booked.order
        report = {
            "exchange_id": self._exchange_id,
            "execution_id": execution_id,
            "client_order_id": order.client_order_id,
            "exchange_order_id": f"{self._exchange_id}-{order.client_order_id}"[:64],
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
            "transact_time": timestamp(self.clock()),
            "correlation_id": order.correlation_id,
            **(wrong or {}),
        }
        if wrong is None and self._faults.happens("venue_says_more", self._chatter):
            self._say_more(booked, report)
        is_correction = exec_type in ("TRADE_CORRECT", "TRADE_CANCEL")
        if not is_correction and self._faults.happens("venue_silent", random):
            self._cloud.log(self._exchange_id, "keeps silent of", execution_id)
            return
        delay = random.uniform(0.005, 0.1)
        if self._faults.happens("venue_report_late", random):
            delay += random.choice((5, 200, 4000, 30_000)) * random.random()
        copies = 2 if self._faults.happens("venue_report_twice", random) else 1
        for copy in range(copies):
            said = self._said_again(report) if copy else report
            self._engine.after(delay, partial(self._deliver, booked, said, copy))
            delay += random.choice((0.0, 0.01, 400.0))

    def _say_more(self, booked: VenueOrder, report: dict[str, Any]) -> None:
        """Add a field to a report. Send an event before it that no reader knows."""
        report["venue_flags"] = {"liquidity": "A", "numbers": UNREADABLE}
        number = len(booked.events) + 1
        event = report | {
            "execution_id": f"{booked.order.client_order_id[-12:]}-event-{number}",
            "exec_type": self._chatter.choice(UNKNOWN_EVENTS),
            "last_quantity": 0,
            "last_price": "0",
        }
        booked.events.add(event["execution_id"])
        self._engine.after(0.001, partial(self._deliver, booked, event, 0))

    def _said_again(self, report: dict[str, Any]) -> dict[str, Any]:
        """A repetition of a report. Every second one says more, and nothing else for the books."""
        self._repetitions += 1
        if self._repetitions % 2:
            return report
        return report | {"poss_dup": True, "correlation_id": f"{report['correlation_id']}-again"}

    def _deliver(self, booked: VenueOrder, report: dict[str, Any], copy: int) -> None:
        body = json.dumps(report).encode()
        execution_id = report["execution_id"]
        idempotency_key = ExecutionReport.model_validate(report).idempotency_key
        name = f"{self._exchange_id} report {execution_id}.{copy}"

        def deliver() -> None:
            process = current()
            assert process is not None
            is_correction = "reference_execution_id" in report
            for attempt in range(CORRECTION_TRIES if is_correction else REPORT_TRIES):
                began = self._engine.now
                answer = self._post(process, body, idempotency_key, f"{name} #{attempt}")
                since = self._cloud.disabled_venues.get(self._exchange_id)
                if answer.status == 200 and since is not None and since <= began:
                    raise ViolationError(
                        "a disabled key signs nothing", name, f"accepted {began - since} s later"
                    )
                if answer.status == 200:
                    booked.acknowledged.add(execution_id)
                    return
                if answer.status in NEVER_TAKEN:
                    booked.refused[name] = f"{answer.status} {answer.body!r}"
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
            self._exchange_id,
            self._secret,
            int(self._engine.now),
            "POST",
            CALLBACK_PATH,
            body,
            {"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
        )
        request = Request("callbacks", "POST", CALLBACK_PATH, headers, body, key)
        answer: Answer = process.wait(partial(self._cloud.api.send, request))
        return answer

    def state(self, booked: VenueOrder) -> dict[str, Any]:
        """What the exchange answers about an order. While it works, the status may be a word that
        no reader knows.
        """
        state = booked.state(self._exchange_id)
        if self._faults.happens("venue_says_more", self._chatter):
            state["venue_flags"] = UNREADABLE
            state["executions"] = [{"note": "no execution"}, *state["executions"]]
            if booked.status not in FINAL:
                state["status"] = self._chatter.choice(UNKNOWN_EVENTS)
        return state
