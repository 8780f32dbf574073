"""A run: days of trading with faults, from the first order to the last settlement."""

from __future__ import annotations

import gc
import hashlib
import os
import random
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import cycle
from typing import Any

import boto3

from tests.simulation.bus_oracle import BusOracle
from tests.simulation.cloud import Cloud
from tests.simulation.credentials import Credentials
from tests.simulation.damage import Books, check_found, planted
from tests.simulation.end_oracle import EndOracle
from tests.simulation.engine import Engine, Outcome, StuckError
from tests.simulation.event_cloud import LOG_TABLE
from tests.simulation.event_oracle import EventOracle
from tests.simulation.faults import CALM, Faults
from tests.simulation.followers import Follower
from tests.simulation.halts import Halts
from tests.simulation.instants import moment
from tests.simulation.listing import add_reference_data
from tests.simulation.market import (
    EXCHANGE_IDS,
    SYMBOLS,
    TRADING_SECONDS,
    next_settlement_day,
    settlement_time,
)
from tests.simulation.names import STAGE, TABLE_NAMES
from tests.simulation.oracle import StepOracle
from tests.simulation.outside import Outside
from tests.simulation.people import People
from tests.simulation.permissions import Use
from tests.simulation.scenario import Scenario
from tests.simulation.services.dynamodb import Change
from tests.simulation.sessions import Login
from tests.simulation.terms import Terms
from tests.simulation.viewers import Viewer
from tests.simulation.violations import ViolationError
from tests.simulation.virtual import Connected, Wall
from trading.adapters.dynamodb.keys import ATTENTION_SHARDS
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.dynamodb.transactions import to_item
from trading.domain.accounts import transfers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.reference.calendars import NEW_YORK, is_trading_day, next_trading_day

MAX_STEPS = 100_000
"""The limit of a phase, so that endless loops are found. A busy run takes 16,000 steps in all."""
RECONCILED_AT = (9.9, 18.55, 19.2, 12.0, 19.2)
"""The hours of New York at which the hourly reconciliation runs, one per day: during trading,
during settlement, and at rest.
"""
MINUTE, HOUR = 60.0, 3600.0
EXHAUSTED_AFTER, EXHAUSTED_FOR = 2 * MINUTE, 10 * MINUTE
"""When after the open a quota is used up, if the scenario says so, and for how long."""
GTC_DAYS = timedelta(days=91)


@dataclass
class Result:
    """The result of a run. `rule` and `violation` name the first broken invariant, if any."""

    scenario: Scenario
    rule: str | None = None
    violation: str = ""
    events: list[tuple[Any, ...]] = field(default_factory=list)
    digest: str = ""
    steps: int = 0
    invocations: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    permissions: set[Use] = field(default_factory=set)

    @property
    def passed(self) -> bool:
        """Whether every invariant held."""
        return self.rule is None


class Simulation:
    """A scenario, set up and ready to run."""

    def __init__(self, scenario: Scenario, wall: Wall, *, keep_output: bool = False) -> None:
        self.scenario = scenario
        self.events: list[tuple[Any, ...]] = []
        self._unheard: ViolationError | None = None
        start = scenario.opening.timestamp() - HOUR
        wall.chance = random.Random(f"{scenario.seed}/wall")
        random.seed(f"{scenario.seed}/jitter")
        self.engine = Engine(start, wall.set)
        wall.set(start)
        self.faults = Faults(scenario.rates)
        self.cloud = Cloud(self.engine, scenario.seed, self.faults, self._log)
        self.told = EventOracle()
        self.on_the_bus = BusOracle()
        self.cloud.dynamodb.written = self._written
        self.cloud.events.heard = self.on_the_bus.hear
        self.followers = [
            Follower(self.engine, self.cloud.events, self.told, trader.client_id)
            for trader in scenario.traders
        ]
        self.viewers = [
            Viewer(self.engine, self.cloud.events, self.told, scenario.seed, trader.client_id)
            for trader in scenario.traders
        ]
        self.told.heard = self._expect
        os.environ.update(self.cloud.environment())
        Connected.cloud = self.cloud
        opening = scenario.opening.timestamp()
        self.cloud.outages.plan(self.cloud.services, opening, opening + 2 * TRADING_SECONDS)
        self.cloud.events.plan_outage(opening, opening + 2 * TRADING_SECONDS)
        if scenario.exhausted:
            begins = opening + EXHAUSTED_AFTER
            self.cloud.outages.exhaust(scenario.exhausted, begins, begins + EXHAUSTED_FOR)
        first, self.days = _days(scenario.day)
        self.at_rest = first[-1]
        self.calm_from = settlement_time(self.days[1]).timestamp() + 2 * HOUR
        self.outside = Connected.outside = Outside(
            self.cloud,
            SYMBOLS,
            EXCHANGE_IDS,
            (opening, opening + 2 * TRADING_SECONDS),
            (self.calm_from - 2 * HOUR - MINUTE, self.calm_from - 1.8 * HOUR),
        )
        limits = {trader.client_id: trader.daily_limit for trader in scenario.traders}
        self.steps = StepOracle(
            {trader.client_id: trader for trader in scenario.traders},
            Terms(limits),
            Halts(lambda: self.engine.now),
            displayed=lambda: self.engine.resumed.displayed if self.engine.resumed else {},
        )
        self.people = People(self.cloud, scenario, self._set_up(), self.outside.secrets, self.steps)
        self.end = EndOracle(self.cloud, self.outside, self.people, scenario, self.steps)
        if keep_output:
            wall.output = _Kept(self._log)

    def run(self) -> None:
        """Run to the end.

        Raises ViolationError, StuckError, or what a process of the simulation raised.
        """
        self.engine.after_step = self._after_step
        self.cloud.asked_to_clear = self._asked_to_clear
        self._after_step()
        self._schedule()
        self.engine.run(self.calm_from, MAX_STEPS)
        self._log("faults end")
        self.faults.rates = CALM
        self.outside.depository.stray(self.days[1].isoformat())
        for pause in (0.0, HOUR, 3 * HOUR):
            self.people.operators.redrive_later(pause)
        self.engine.run(settlement_time(self.at_rest).timestamp() + HOUR, MAX_STEPS)
        self._log("at rest")
        self.end.check_at_rest()
        self.engine.run(settlement_time(self.days[-1]).timestamp() + HOUR, MAX_STEPS)
        self._log("the end")
        self.end.check_at_the_end()
        self._check_events()
        self._damage()

    def _check_events(self) -> None:
        """Everything that happened was told, and who follows an account has seen it."""
        self.told.check_complete()
        self.on_the_bus.check_complete()
        for follower in self.followers:
            follower.read(follower.check)
        for viewer in self.viewers:
            viewer.watch(self.engine.now + HOUR)
        self.engine.run(self.engine.now + 1.5 * HOUR, MAX_STEPS)
        for follower in self.followers:
            follower.check()
        for viewer in self.viewers:
            viewer.check()
        left = (
            self.cloud.events.streams.left,
            self.cloud.events.sqs.messages(self.cloud.events.dead_letters),
        )
        if left != (0, []):
            raise ViolationError("no event is stuck", "at the end", str(left))

    def _damage(self) -> None:
        """Plant damage into the books, and have the reconciliation look at them."""
        items = self.cloud.dynamodb.items
        orders = [item for item in items(f"{STAGE}-orders") if item["item"]["S"] == "ORDER"]
        accounts, entries = list(items(f"{STAGE}-accounts")), list(items(f"{STAGE}-ledger"))
        damages = planted(Books(accounts, orders, entries))
        for damage in damages:
            put = {"TableName": f"{STAGE}-{damage.table}", "Item": damage.item}
            self.cloud.dynamodb.call("PutItem", put)
        self.engine.after_step = self.cloud.dynamodb.changes.clear
        outcomes: list[Outcome] = []
        self.engine.after(
            MINUTE,
            partial(self.cloud.lambdas.invoke, "reconciliation", {}, "damage", outcomes.append),
        )
        self.engine.run(self.engine.now + HOUR, MAX_STEPS)
        check_found(damages, outcomes[0].value)

    def _expect(self, client_id: str, sequence: int) -> None:
        """A viewer is told of an event in the log, and without faults soon."""
        for viewer in self.viewers:
            if viewer.name == client_id:
                viewer.expect(sequence, soon=self.engine.now > self.calm_from + HOUR)

    def _log(self, *told: Any) -> None:
        self.events.append((round(self.engine.now, 6), *told))

    def _after_step(self) -> None:
        if self._unheard is not None:
            raise self._unheard
        for function, resource, action in self.cloud.permissions.denied:
            raise ViolationError("each call has its grant", function, f"{action} on {resource}")
        changes = self.cloud.dynamodb.changes
        if changes:
            taken = changes[:]
            changes.clear()
            self.steps(taken)
            self.cloud.events.streams.take(taken)
        if stored := self.cloud.events.store.changes:
            self.told.log([change for change in stored if change.table == LOG_TABLE])
            stored.clear()

    def _written(self, changes: Sequence[Change]) -> None:
        self.told.transaction(changes)
        self.on_the_bus.transaction(changes)

    def _asked_to_clear(self, order_id: str) -> None:
        """Check a message that asks to clear an order.

        A function that sends it would take the violation for a failure of its own and try again.
        """
        self._after_step()
        try:
            self.steps.asked_to_clear(order_id)
        except ViolationError as error:
            self._unheard = self._unheard or error

    def _schedule(self) -> None:
        """Plan the schedules of EventBridge Scheduler on the simulated days, in New York time."""
        for day, hour in zip(self.days, cycle(RECONCILED_AT), strict=False):
            at = datetime.combine(day, time(0), NEW_YORK).timestamp() + hour * HOUR
            self.engine.at(
                at, partial(self.cloud.scheduled, "reconciliation", {}, f"reconciliation {day}")
            )
        for day in self.days:
            for shard in map(str, range(ATTENTION_SHARDS)):
                opens = datetime.combine(day, time(9, 30), NEW_YORK).timestamp()
                self.engine.at(
                    opens,
                    partial(
                        self.cloud.scheduled, "sweeper", {"shard": shard}, f"the open {day} {shard}"
                    ),
                )
            self._on(day, time(16, 5), "day_close")
            self._on(day, time(13, 5), "day_close")
            for follower in self.followers:
                for hours in (0.05, 1, 7, 11):
                    self.engine.at(opens + hours * HOUR, follower.read)
            evening = settlement_time(day).timestamp()
            for viewer in self.viewers:
                for begins in (opens, evening - 10 * MINUTE):
                    self.engine.at(begins, partial(viewer.watch, begins + TRADING_SECONDS + HOUR))
            self.engine.at(evening, lambda day=day: self._settle(day))  # type: ignore[misc]
            self.engine.at(evening + 5 * HOUR, self.cloud.dynamodb.apply_ttl)
            self.engine.at(evening + 5 * HOUR, self.cloud.events.store.apply_ttl)
            opening = datetime.combine(day, time(9, 0), NEW_YORK).timestamp()
            self.engine.at(
                opening,
                lambda day=day: self._sweep(  # type: ignore[misc]
                    settlement_time(day).timestamp() + 5 * HOUR
                ),
            )

    def _on(self, day: date, at: time, function: str) -> None:
        scheduled = datetime.combine(day, at, NEW_YORK)
        event = {"scheduled_time": scheduled.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        self.engine.at(
            scheduled.timestamp(),
            lambda: self.cloud.scheduled(function, event, f"scheduled {scheduled}"),
        )

    def _settle(self, day: date) -> None:
        start = {"stateMachineArn": self.cloud.cycle_arn, "name": f"cycle-{day}", "input": "{}"}
        self.cloud.workflows.call("StartExecution", start)

    def _sweep(self, until: float) -> None:
        """Sweep each minute.

        Minutes in which no order is due are skipped, because the sweeper would find nothing.
        """
        due = self.steps.attention.values()
        if due and moment(min(due)) <= self.engine.now + 1:
            event = {"scheduled_time": f"{self.engine.now}"}
            self.cloud.scheduled("sweeper", event, f"tick {self.engine.now:.0f}")
        if self.engine.now < until:
            self.engine.after(MINUTE, lambda: self._sweep(until))

    def _set_up(self) -> dict[str, Login]:
        """Create reference data, clients with their cash and shares, and API keys.

        Return what each name logs in with.
        """
        self.cloud.deploy_signing_keys(1)
        for venue, secret in self.outside.secrets.items():
            self.cloud.secrets.put(f"{STAGE}-venue-{venue}", secret.decode())
        now = self.scenario.opening - timedelta(hours=1)
        books = TableBooks(boto3.client("dynamodb"), TABLE_NAMES, lambda: now)
        add_reference_data(self.cloud, books, boto3.client("dynamodb"), self.scenario.seed)
        for trader in self.scenario.traders:
            client = Client(
                client_id=trader.client_id,
                name=trader.client_id,
                margin_percent=Decimal(trader.margin_percent),
                credit_limit=trader.credit_limit,
                daily_trading_limit=trader.daily_limit,
                settlement_account=f"csd-{trader.client_id}",
                signed_orders=trader.signs,
            )
            self._put("clients", client.model_dump())
            account = Account(client_id=trader.client_id, credit_available=trader.credit_limit)
            books.commit(*transfers.deposit_cash(account, trader.cash, "opening", now))
            for symbol, quantity in trader.shares.items():
                if quantity:
                    position = Position(client_id=trader.client_id, symbol=symbol)
                    cost = SYMBOLS[symbol] * quantity
                    books.commit(
                        *transfers.deposit_shares(
                            position, quantity, cost, f"opening-{symbol}", now
                        )
                    )
        credentials = Credentials(self.cloud, self.scenario.seed)
        credentials.create(self.scenario)
        return credentials.logins

    def _put(self, table: str, attributes: dict[str, Any]) -> None:
        self.cloud.dynamodb.call(
            "PutItem", {"TableName": f"{STAGE}-{table}", "Item": to_item(attributes)}
        )


class _Kept:
    def __init__(self, log: Callable[..., None]) -> None:
        self._log = log

    def write(self, text: str) -> int:
        """Write into the event log."""
        if text.strip():
            self._log("  printed", text.strip())
        return len(text)


def _days(first: date) -> tuple[list[date], list[date]]:
    """The trading days of a run: those up to the day at rest, and all.

    They are two days of trading, the day on which the rest settles, and two days after GTC orders
    expire. A bank holiday on which the exchanges are open makes one day more.
    """
    second = next_trading_day(first)
    expiry = first + GTC_DAYS
    fourth = expiry if is_trading_day(expiry) else next_trading_day(expiry)
    days = [first, second, *_until_settled(second)]
    return days, [*days, fourth, *_until_settled(fourth)]


def _until_settled(traded: date) -> list[date]:
    """The trading days after a day, up to the one on which its trades settle."""
    days, settles = [next_trading_day(traded)], next_settlement_day(traded)
    while days[-1] < settles:
        days.append(next_trading_day(days[-1]))
    return days


def play(scenario: Scenario, wall: Wall, *, keep_output: bool = False) -> Result:
    """Run a scenario. Failures of the system under test are reported in the result, not raised."""
    gc.disable()  # garbage is collected once after the run, if at all
    result = Result(scenario)
    simulation = Simulation(scenario, wall, keep_output=keep_output)
    try:
        simulation.run()
    except ViolationError as error:
        result.rule, result.violation = error.rule, str(error)
    except StuckError as error:
        result.rule, result.violation = "everything comes to rest", str(error)
    except Exception as error:
        result.rule = f"no surprise: {type(error).__name__}"
        result.violation = "".join(traceback.format_exception(error))
    result.events = simulation.events
    result.steps = simulation.engine.steps
    result.invocations = simulation.cloud.lambdas.invocations
    result.faults = dict(simulation.faults.injected)
    for order in simulation.steps.orders.values():
        status = str(order["status"])
        result.statuses[status] = result.statuses.get(status, 0) + 1
    result.permissions = simulation.cloud.permissions.used
    result.digest = hashlib.sha256(repr(simulation.events).encode()).hexdigest()
    return result
