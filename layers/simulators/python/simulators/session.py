"""The trading session: it matches orders when they arrive and every minute after, and it sends
reports.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from aws_lambda_powertools import Logger

from simulators.adapters.configuration import Configuration
from simulators.adapters.exchange_store import ExchangeStore, OrderRecord
from simulators.behaviour import ExchangeBehaviour
from simulators.corrections import correct, pending
from simulators.dice import Dice
from simulators.dispatch import DispatchState, is_sent_twice, schedule, sending_order
from simulators.exchange import expire, match
from simulators.market import (
    Consumed,
    displayed_quote,
    minute_of,
    next_minute,
    opposite,
    remaining_quote,
)
from simulators.reference import EXCHANGE_IDS
from simulators.retries import ConflictError, retrying
from trading.wire import ExecType, ExecutionReport

logger = Logger(child=True)


class WorkResult(NamedTuple):
    """What a piece of work achieved, in numbers."""

    fills: int = 0
    answered: int = 0
    unanswered: int = 0
    abandoned: int = 0
    failed: int = 0

    def plus(self, other: "WorkResult") -> "WorkResult":
        return WorkResult(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Session:
    """Matches orders and sends their reports. Two sessions may run at once: a write on stale state
    fails.
    """

    def __init__(
        self,
        store: ExchangeStore,
        configuration: Configuration,
        dice: Dice,
        send: Callable[[str, ExecutionReport], bool],
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._dice = dice
        self._send = send
        self._clock = clock
        self._sleep = sleep

    def match_arrived(self, exchange_id: str, client_order_id: str) -> WorkResult:
        """Match an order after the exchange's latency. While the exchange is down, this does
        nothing and a later tick matches the order.
        """
        behaviour = self._configuration.exchange(exchange_id)
        if behaviour.is_down(self._dice, exchange_id, minute_of(self._clock())):
            return WorkResult()
        self._sleep(behaviour.latency_seconds(self._dice, exchange_id, client_order_id))
        return self._advance(exchange_id, client_order_id, behaviour)

    def tick(self, has_time: Callable[[], bool]) -> WorkResult:
        """Work on every order that is due while there is time. Work that fails or is left over is
        due again at the next tick.
        """
        total, now = WorkResult(), self._clock()
        for exchange_id in EXCHANGE_IDS:
            behaviour = self._configuration.exchange(exchange_id)
            if behaviour.is_down(self._dice, exchange_id, minute_of(now)):
                continue
            for client_order_id in self._store.due_work(exchange_id, now):
                if not has_time():
                    logger.warning("the session had no time for all orders that are due")
                    return total
                try:
                    total = total.plus(self._advance(exchange_id, client_order_id, behaviour))
                except Exception:
                    logger.exception(
                        "work on an order failed", extra={"client_order_id": client_order_id}
                    )
                    total = total.plus(WorkResult(failed=1))
        return total

    def _advance(
        self, exchange_id: str, client_order_id: str, behaviour: ExchangeBehaviour
    ) -> WorkResult:
        record, fills = retrying(self._sleep)(self._match, exchange_id, client_order_id, behaviour)
        if record is None:
            return WorkResult()
        record = self._correct(record, behaviour)
        record, worked = self._report(record, behaviour)
        self._plan_next(record, behaviour)
        return worked._replace(fills=fills)

    def _match(
        self, exchange_id: str, client_order_id: str, behaviour: ExchangeBehaviour
    ) -> tuple[OrderRecord | None, int]:
        """The order after one match, and the number of fills. None means that there is no such
        order.
        """
        record = self._store.load(exchange_id, client_order_id)
        if not isinstance(record, OrderRecord):
            return None, 0
        booked = record.booked
        listing = self._configuration.listing(booked.order.symbol)
        if booked.status.is_final or listing is None:
            return record, 0
        now = self._clock()
        minute = minute_of(now)
        expired = expire(booked, now)
        if expired is None and not listing.is_open(now):
            return record, 0
        displayed = displayed_quote(self._dice, listing, exchange_id, behaviour, minute)
        consumed = self._store.consumed(booked.order.symbol, minute).get(exchange_id, Consumed())
        outcome = expired or match(
            booked, remaining_quote(displayed, consumed), behaviour, self._dice, now
        )
        if outcome is None:
            return record, 0
        dispatches = schedule(outcome, behaviour, self._dice, now)
        self._store.commit(
            booked, outcome, dispatches, minute, opposite(displayed, booked.order.side)[1]
        )
        fills = sum(report.exec_type is ExecType.TRADE for report in outcome.reports)
        return OrderRecord(outcome.booked, (*record.dispatches, *dispatches)), fills

    def _correct(self, record: OrderRecord, behaviour: ExchangeBehaviour) -> OrderRecord:
        """Make the corrections and busts that are due."""
        now, booked = self._clock(), record.booked
        reports = [dispatch.report for dispatch in record.dispatches]
        outcome = correct(booked, reports, behaviour, self._dice, now)
        if outcome is None:
            return record
        dispatches = schedule(outcome, behaviour, self._dice, now)
        try:
            self._store.commit(booked, outcome, dispatches, minute_of(now), 0)
        except ConflictError:
            logger.info("another worker changed the order first; the next look corrects it")
            return record
        return OrderRecord(outcome.booked, (*record.dispatches, *dispatches))

    def _report(
        self, record: OrderRecord, behaviour: ExchangeBehaviour
    ) -> tuple[OrderRecord, WorkResult]:
        """Send the reports that are due."""
        now, worked = self._clock(), WorkResult()
        sent = {}
        due = [
            dispatch
            for dispatch in record.dispatches
            if dispatch.is_pending and dispatch.due_at <= now
        ]
        for dispatch in sending_order(due, behaviour, self._dice):
            report, url = dispatch.report, record.booked.order.callback_url
            answered = self._send(url, report)
            if answered and is_sent_twice(report, behaviour, self._dice):
                self._send(url, report)
            after = dispatch.after_attempt(answered, self._clock())
            try:
                self._store.save_dispatch(record.booked, after)
            except ConflictError:
                logger.info(
                    "another worker saw to the report", extra={"execution_id": report.execution_id}
                )
            sent[report.execution_id] = after
            worked = worked.plus(
                WorkResult(
                    answered=int(answered),
                    unanswered=int(not answered),
                    abandoned=int(after.state is DispatchState.ABANDONED),
                )
            )
        dispatches = tuple(
            sent.get(dispatch.report.execution_id, dispatch) for dispatch in record.dispatches
        )
        return record._replace(dispatches=dispatches), worked

    def _plan_next(self, record: OrderRecord, behaviour: ExchangeBehaviour) -> None:
        """Take a finished order off the list of work. Otherwise, schedule the next look at it."""
        reports = [dispatch.report for dispatch in record.dispatches]
        planned = pending(reports, behaviour, self._dice)
        if record.is_finished and not planned:
            self._store.finish_work(record.booked)
            return
        due = [at for at, _, _ in planned] + [
            dispatch.due_at for dispatch in record.dispatches if dispatch.is_pending
        ]
        if not record.booked.status.is_final:
            due.append(next_minute(self._clock()))
        try:
            self._store.postpone_work(record.booked, min(due))
        except ConflictError:
            logger.info(
                "another worker finished the order",
                extra={"client_order_id": record.booked.order.client_order_id},
            )
