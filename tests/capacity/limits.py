"""The buckets of a deployment in production, and what each step of an order takes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from infra.catalog.functions import OF_EVENTS, SERVICES
from infra.catalog.names import MAILBOXES
from infra.catalog.routes import CALLBACK_ROUTES, PUBLIC_ROUTES, Route
from simulators.settlement_desk import PAGE_SIZE
from tests.benchmarks.meter import DEFAULT_LATENCY_MS, HTTP_LATENCY_MS, LATENCY_MS
from tests.capacity import quotas
from tests.capacity.flow import Bucket, Environments, Growing, Pollers
from tests.capacity.measured import Consumed, PlainOrder, Step
from tests.capacity.quotas import Quota, Raised
from trading.adapters.dynamodb.keys import ATTENTION_SHARDS, DUE_SHARDS
from trading.adapters.dynamodb.reads import BATCH_GET_LIMIT
from trading.adapters.messaging.mailboxes import BATCH_SIZE
from trading.bootstrap.settings import DayCloseSettings, SweeperSettings
from trading.usecases.execution.sweep_orders import ORDERS_PER_SWEEP
from trading.usecases.posttrade.reconcile_settlement import TRADES_PER_READ

SHARDS = {"{shard}": ATTENTION_SHARDS, "DUE#{shard}": DUE_SHARDS}
"""Over how many keys the orders spread. Any other shared key is one for all of them."""
A_SWEEP, A_MINUTE = 45, 60
"""An invocation of the sweeper works for so many seconds of a minute, one order after the other: it
reads the order, starts its workflow and postpones the next look. The benchmark does not measure
that.
"""
CLOSING_CPU = 0.0004
"""Assumed: the seconds that a vCPU takes to read an order, and to make and send its message."""
ORDERS_PER_INVOCATION: int = SweeperSettings.model_fields["orders_per_invocation"].default
ORDERS_PER_PAGE: int = DayCloseSettings.model_fields["orders_per_page"].default
LOG_WRITES = f"{quotas.LOG_WRITES.service}: {quotas.LOG_WRITES.name}"
ROUTES = {
    "orders": quotas.ORDERS_ROUTE,
    "auth": quotas.LOG_IN_ROUTE,
    "callbacks": quotas.CALLBACK_ROUTE,
}
"""The route of a plain order that each function answers."""


def _ours(name: str, rate: float, unit: str, source: str) -> Quota:
    """A limit of our own design: one caller that makes one call after the other."""
    return Quota("ours", name, rate, unit, source, Raised.NEVER)


_A_CALL = DEFAULT_LATENCY_MS / 1000
A_PUSH = LATENCY_MS["StartExecution"] / 1000 + 2 * _A_CALL
"""The seconds that an invocation of the sweeper takes for an order, at the worst."""
SWEEPS = _ours(
    "orders that the sweeper pushes",
    ORDERS_PER_SWEEP / A_MINUTE,
    "orders/s",
    "functions/sweeper/handler.py",
)
CLOSES = _ours(
    "orders of a shard that the close of the day asks to end",
    1
    / (_A_CALL / ORDERS_PER_PAGE + _A_CALL / BATCH_GET_LIMIT + _A_CALL / BATCH_SIZE + CLOSING_CPU),
    "orders/s",
    "functions/day_close/handler.py",
)
PLANS = _ours(
    "clients that the plan asks to settle",
    BATCH_SIZE / _A_CALL,
    "clients/s",
    "functions/settlement_plan/handler.py",
)
COMPARISONS = _ours(
    "trades that one reconciliation compares",
    1 / (_A_CALL / TRADES_PER_READ + HTTP_LATENCY_MS / 1000 / PAGE_SIZE),
    "trades/s",
    "functions/settlement_reconcile/handler.py",
)


@dataclass
class Limits:
    """The buckets by name. `raised`: rates that replace those of the quotas, by bucket."""

    order: PlainOrder
    raised: Mapping[str, float] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def step(self, name: str) -> dict[Bucket, float]:
        """What an order takes in a step."""
        step = self.order.steps[name]
        needs: dict[Bucket, float] = {}
        for bucket, need in self._of(step):
            if need > 0:
                needs[bucket] = needs.get(bucket, 0.0) + need
        return needs

    def plain(self, quota: Quota, name: str = "") -> Bucket:
        """The bucket of a quota that needs nothing else."""
        return self._kept(Bucket(name or f"{quota.service}: {quota.name}", quota))

    @property
    def starts(self) -> Bucket:
        """The bucket of the workflows' starts."""
        return self.plain(quotas.EXPRESS_STARTS)

    def _of(self, step: Step) -> Iterator[tuple[Bucket, float]]:
        yield from self._gateway(step)
        yield from self._function(step)
        macs = sum(step.calls.get(name, 0) for name in ("GenerateMac", "VerifyMac"))
        yield self.plain(quotas.MACS), macs
        yield self.plain(quotas.BUS_EVENTS), step.calls.get("PutEvents", 0)
        if step.function in MAILBOXES:
            name = f"SQS: an API action of {step.function}.fifo"
            yield self.plain(quotas.FIFO_QUEUE, name), 1
        for consumed in step.units:
            yield from self._table(consumed)

    def _gateway(self, step: Step) -> Iterator[tuple[Bucket, float]]:
        if route_of(step.function):
            yield self.plain(quotas.GATEWAY_ACCOUNT), step.runs
            yield self.plain(ROUTES[step.function]), step.runs

    def _function(self, step: Step) -> Iterator[tuple[Bucket, float]]:
        if not step.runs:
            return
        is_polled = step.function in (*MAILBOXES, *OF_EVENTS)
        # A synchronous request keeps an environment for a tenth of a second at least. A message
        # does not: with a backlog, one invocation has ten of them.
        shortest = 0.0 if is_polled else 1 / quotas.ENVIRONMENT.rate
        yield self.environments(step.function), step.runs * max(step.seconds, shortest)
        if step.function in MAILBOXES:
            yield self.pollers(step.function), step.runs * step.seconds
        if SERVICES[step.function].reserved is None:
            yield self.unreserved, step.runs * step.seconds
        # Logs that are late or lost hold no order back.
        yield self._kept(Bucket(LOG_WRITES, quotas.LOG_WRITES, is_binding=False)), step.runs

    def environments(self, function: str) -> Bucket:
        """The environments of a function."""
        name = f"Lambda: environments of {function}"
        reserved = SERVICES[function].reserved
        limit = reserved or self.unreserved.rate
        return self._kept(Environments(name, quotas.CONCURRENCY, limit, quotas.SCALING))

    def pollers(self, queue: str) -> Bucket:
        """The pollers of a mailbox."""
        name = f"Lambda: pollers of {queue}.fifo"
        return self._kept(Pollers(name, quotas.POLLERS, quotas.EVENT_SOURCE.rate))

    @property
    def unreserved(self) -> Bucket:
        """The concurrency of the account that no function has for itself."""
        name = "Lambda: concurrency that is not reserved"
        reserved = sum(spec.reserved or 0 for spec in SERVICES.values())
        rate = quotas.CONCURRENCY.rate - reserved
        return self._kept(Bucket(name, quotas.CONCURRENCY, rate=rate))

    def _table(self, consumed: Consumed) -> Iterator[tuple[Bucket, float]]:
        place, most = consumed.place, quotas.TABLE_UNITS.rate
        units = (
            ("write", consumed.write_units, quotas.NEW_TABLE_WRITES, quotas.PARTITION_WRITES),
            ("read", consumed.read_units, quotas.NEW_TABLE_READS, quotas.PARTITION_READS),
        )
        for kind, need, table, partition in units:
            if not need:
                continue
            name = f"DynamoDB: {kind} units of {place}"
            yield self._kept(Growing(name, table, most)), need
            if consumed.key:
                rate = partition.rate * SHARDS.get(consumed.key, 1)
                hot = Bucket(f"{name}, key {consumed.key}", partition, rate=rate)
                yield self._kept(hot), need / consumed.keys

    def _kept(self, bucket: Bucket) -> Bucket:
        """The bucket of that name. The first one stays."""
        if bucket.name not in self.buckets:
            if raised := self.raised.get(bucket.name):
                bucket.raise_to(raised)
            self.buckets[bucket.name] = bucket
        return self.buckets[bucket.name]


def route_of(function: str) -> Route | None:
    """The first route that a function of a plain order answers."""
    routes = (*PUBLIC_ROUTES, *CALLBACK_ROUTES)
    return next((route for route in routes if route.function == function), None)
