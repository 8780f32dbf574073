"""Functions stop in time: the work of each gets the time that Lambda leaves it."""

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.integration.simulators.world import FakeContext
from tests.integration.system import System
from tests.integration.trading.orders import place
from trading.adapters.messaging.mailbox_worker import ENOUGH_TIME_MS
from trading.domain.deadline import Deadline, OutOfTimeError
from trading.domain.orders.order_status import OrderStatus
from trading.messages import ExecuteOrder
from trading.usecases.execution.sweep_orders import Swept


def test_a_worker_with_little_time_sends_no_further_predecessor(system: System) -> None:
    first, second, third = (place(system, key)["order_id"] for key in ("a", "b", "c"))
    message = ExecuteOrder(client_id="alice", correlation_id="c", order_id=third)
    context = FakeContext(remaining_ms=ENOUGH_TIME_MS - 1)
    with pytest.raises(OutOfTimeError):
        system.function("execution").handle(message, context, False)
    assert [system.status(order_id) for order_id in (first, second, third)] == [
        OrderStatus.ROUTING,
        OrderStatus.VALIDATED,
        OrderStatus.VALIDATED,
    ]


@pytest.mark.parametrize(
    ("event", "after_a_minute"),
    [({}, "stops"), ({"order_ids": ["ord_1"]}, "stops"), ({"shard": "0"}, "goes on")],
)
def test_only_a_sweep_of_the_open_does_not_make_way_for_the_next(
    system: System, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any], after_a_minute: str
) -> None:
    """At the open nothing follows, so a shard is swept for as long as Lambda allows."""
    sweeper = system.function("sweeper")
    seconds = [0.0]
    seen: list[str] = []

    class Sweep:
        def __call__(self, _: object, deadline: Deadline, shard: str | None) -> Swept:
            return Swept(self.push((), deadline))

        def push(self, order_ids: Sequence[str], deadline: Deadline) -> int:
            assert not deadline.is_over
            seconds[0] = timedelta(minutes=1).total_seconds()
            seen.append("stops" if deadline.is_over else "goes on")
            return 0

    monkeypatch.setattr(sweeper, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    monkeypatch.setattr(sweeper, "sweep_orders", Sweep())
    system.invoke("sweeper", event, remaining_ms=600_000)
    assert seen == [after_a_minute]
