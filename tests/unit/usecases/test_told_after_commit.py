"""Others are told what the books have, never what they are going to have.

A worker may die between any two calls. What was told before the commit would then be false. Whoever
is told after the commit and misses it, is told again by the sweeper.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from types import FrameType

import pytest

from tests.fakes.every_commit import SCENARIOS, administer, use_case_frames, world_over
from tests.fakes.faults import CrashError, Faults
from tests.fakes.registry import MemoryRegistry
from tests.fakes.world import World
from trading.domain.ledger import Fill, Novation, Reversal, Settlement, TradeEntry
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.order_times import is_overdue
from trading.messages import CancelOrder, ClearOrder, ExecutionMessage
from trading.metrics import Metric
from trading.usecases.posttrade import settlement_cycle

TOLD = (
    "workflow.start",
    "workflow.start_at_clearing",
    "mailboxes.execution",
    "mailboxes.clearing",
    "mailboxes.settlement",
    "prices.observe",
    "prices.correct",
    "health.observe",
    "audit.write",
)
"""The calls that tell somebody else."""


@pytest.fixture(autouse=True)
def _few_days_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking back over a hundred empty days would test nothing more."""
    monkeypatch.setattr(settlement_cycle, "LOOK_BACK", timedelta(days=3))


class Witness:
    """Checks each call that tells something against the books of that moment."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told: set[str] = set()
        self.wrong: list[str] = []
        self.observed: dict[str, int] = {}
        for port, name, check in (
            (world.workflow, "start", self._started),
            (world.workflow, "start_at_clearing", self._started_at_clearing),
            (world.mailboxes, "execution", self._to_execution),
            (world.mailboxes, "clearing", self._to_clearing),
            (world.prices, "observe", self._price),
            (world.prices, "correct", self._price_corrected),
            (world.monitor, "count", self._counted),
        ):
            self._watch(port, name, check)

    def _watch(self, port: object, name: str, check: Callable[..., object]) -> None:
        tell = getattr(port, name)

        def checked(*arguments: object, **named: object) -> object:
            if use_case_frames():
                self.told.add(f"{port.port}.{name}")  # type: ignore[attr-defined]
                # A use case may survive that it cannot tell. So it must not see this failure.
                try:
                    check(*arguments, **named)
                except (AssertionError, KeyError):
                    self.wrong.append(f"{name} {arguments}")
            return tell(*arguments, **named)

        setattr(port, name, checked)

    def _stored(self, order_id: str) -> Order:
        return self.world.books.items["order", order_id]  # type: ignore[return-value]

    def _started(self, order: Order) -> None:
        assert self._stored(order.order_id).status is OrderStatus.VALIDATED

    def _started_at_clearing(self, order: Order) -> None:
        stored = self._stored(order.order_id)
        assert stored.awaits_clearing
        assert self._fills(stored) == stored.filled_quantity

    def _to_execution(self, message: ExecutionMessage) -> None:
        if isinstance(message, CancelOrder):
            order = self._stored(message.order_id)
            assert order.ending is not None or is_overdue(order, self.world.now)
        else:
            assert self._stored(message.order_id)  # type: ignore[union-attr]

    def _to_clearing(self, message: ClearOrder) -> None:
        order = self._stored(message.order_id)
        assert order.trades
        assert self._fills(order) == order.filled_quantity

    def _price(self, symbol: str, price: object, at: object, trade_id: str) -> None:
        trades = {(f.symbol, f.price, f.trade_id) for f in self._entries(Fill)}  # type: ignore[attr-defined]
        assert (symbol, price, trade_id) in trades

    def _price_corrected(
        self, symbol: str, trade_id: str, at: object, corrected: tuple[object, str] | None
    ) -> None:
        (reversal,) = [r for r in self._entries(Reversal) if r.reverses == trade_id]  # type: ignore[attr-defined]
        assert reversal.corrected_by == (corrected and corrected[1])  # type: ignore[attr-defined]
        if corrected:
            self._price(symbol, corrected[0], at, corrected[1])

    def _counted(self, name: str, **facts: str) -> None:
        self.observed[name] = self.observed.get(name, 0) + 1
        stored = {
            Metric.ORDERS_ACCEPTED: sum(map(was_accepted, self._orders())),
            Metric.ORDERS_REJECTED: sum(not was_accepted(o) for o in self._orders()),
            Metric.FILLS_BOOKED: len(self._entries(Fill)),
            Metric.EXECUTIONS_CORRECTED: len(self._entries(Reversal)),
            Metric.ORDERS_CLEARED: len({n.order_id for n in self._entries(Novation)}),
            Metric.TRADES_SETTLED: len(self._entries(Settlement)),
            Metric.REPLACEMENTS_REQUESTED: sum(o.replaces is not None for o in self._orders()),
            Metric.ORDERS_ENDED: sum(not o.is_open for o in self._orders()),
        }
        if name in stored:
            assert self.observed[name] <= stored[Metric(name)], name

    def _orders(self) -> list[Order]:
        return self.world.books.all_orders()

    def _entries(self, kind: type) -> list[object]:
        return [entry for entry in self.world.books.ledger() if isinstance(entry, kind)]

    def _fills(self, order: Order) -> int:
        """The shares of the order's trades that stand."""
        return sum(
            entry.quantity if isinstance(entry, Fill) else -entry.quantity  # type: ignore[attr-defined]
            for entry in self._entries(TradeEntry)
            if entry.order_id == order.order_id  # type: ignore[attr-defined]
        )


def was_accepted(order: Order) -> bool:
    return any(entry.status is OrderStatus.VALIDATED for entry in order.history)


def test_what_is_told_is_in_the_books() -> None:
    told: set[str] = set()
    for scenario in SCENARIOS:
        world = world_over(MemoryRegistry)
        witness = Witness(world)
        scenario(world)
        assert witness.wrong == [], scenario.__name__
        told |= witness.told
    assert told >= {*TOLD} - {"mailboxes.settlement", "health.observe", "audit.write"}


def test_an_operators_action_is_announced_before_its_commit_and_confirmed_after_it() -> None:
    """The entries of an approval are around those of the change."""
    world = world_over(MemoryRegistry)
    before = len(world.faults.calls)
    administer(world)
    written = {"audit.write": "A", "books.commit": "C"}
    order = "".join(written.get(call, "") for call in world.faults.calls[before:])
    assert re.fullmatch("(ACA|AACAA){10,}", order)


class DecidedError(BaseException):
    """The use case whose commit failed is over. Nothing else may catch this."""


class Silence(Faults):
    """Faults that also fail one commit, and note what its use case tells afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self.failing: int | None = None
        self.told: list[str] = []
        self._failed: FrameType | None = None

    def around(self, name, effect):  # type: ignore[no-untyped-def]
        frames = use_case_frames()
        if not frames:
            return super().around(name, effect)
        if self._failed is not None and frames[-1] is not self._failed:
            raise DecidedError
        if name == "books.commit":
            self.commits += 1
            if self.commits == self.failing:
                self.calls.append(name)
                self._failed = frames[-1]
                raise CrashError(f"commit {self.commits}")
        if name in TOLD and frames[-1] is self._failed:
            self.told.append(name)
        return super().around(name, effect)


def silent_world(failing: int | None) -> tuple[World, Silence]:
    """A world in which one commit fails, and its faults."""
    silence = Silence()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.fakes.world.Faults", lambda: silence)
        world = world_over(MemoryRegistry)
    silence.failing = failing
    return world, silence


def failures() -> Iterator[tuple[str, int]]:
    """Each commit of each scenario."""
    for scenario in SCENARIOS:
        world, silence = silent_world(None)
        scenario(world)
        for number in range(1, silence.commits + 1):
            yield scenario.__name__, number


def test_whoever_would_have_been_told_hears_nothing_of_a_commit_that_failed() -> None:
    by_name = {scenario.__name__: scenario for scenario in SCENARIOS}
    heard = {}
    for name, number in failures():
        world, silence = silent_world(number)
        with suppress(CrashError, DecidedError):
            by_name[name](world)
        assert silence.commits == number
        if silence.told:
            heard[name, number] = silence.told
    assert heard == {}
