"""The sweeper and the day close have parts of their work done by further invocations."""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from tests.integration.simulators.world import FakeContext
from tests.integration.system import System
from tests.integration.trading.orders import place
from trading.adapters.messaging.invocations import OwnInvocations
from trading.domain.orders.order_status import OrderStatus

AFTER_THE_CLOSE = datetime(2026, 1, 5, 21, 5, tzinfo=UTC)


class Invoked:
    """Lambda's client: it keeps the events of asynchronous invocations."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def invoke(self, **parameters: Any) -> None:
        self.events.append(json.loads(parameters.pop("Payload")))
        arn = FakeContext().invoked_function_arn
        assert parameters == {"FunctionName": arn, "InvocationType": "Event"}


def warm(
    system: System, monkeypatch: pytest.MonkeyPatch, function: str, **variables: str
) -> Invoked:
    """Start a function with these variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    invoked = Invoked()
    monkeypatch.setattr(
        system.function(function), "invocations_of", partial(OwnInvocations, invoked)
    )
    return invoked


def placed(system: System, number: int) -> list[str]:
    ids: list[str] = [
        place(system, f"key-{n}", quantity=10, price="190.00")["order_id"] for n in range(number)
    ]
    system.run_until(lambda: all(system.status(order_id) == "ROUTING" for order_id in ids))
    return ids


def test_the_sweeper_hands_over_what_is_too_much_for_one_invocation(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoked = warm(system, monkeypatch, "sweeper", ORDERS_PER_INVOCATION="2")
    ids = placed(system, 3)
    system.venues.pass_time(90)
    assert system.invoke("sweeper", {}) == {"pushed": 0, "handed_over": 3}
    assert sorted(
        order_id for event in invoked.events for order_id in event["order_ids"]
    ) == sorted(ids)
    pushed = [system.invoke("sweeper", event) for event in invoked.events]
    assert pushed == [{"pushed": 2, "handed_over": 0}, {"pushed": 1, "handed_over": 0}]
    assert system.invoke("sweeper", {}) == {"pushed": 0, "handed_over": 0}


def test_the_day_close_hands_over_shards_of_more_than_a_page(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoked = warm(system, monkeypatch, "day_close", ORDERS_PER_PAGE="1")
    ids = placed(system, 6)
    system.venues.now = AFTER_THE_CLOSE
    closed = system.invoke("day_close", {"scheduled_time": "2026-01-05T21:05:00Z"})
    assert closed["handed_over"] == len(invoked.events) > 0
    for event in invoked.events:
        closed["expiring"] += system.invoke("day_close", event)["expiring"]
    assert closed["expiring"] == 6
    system.run_until(lambda: {system.status(order_id) for order_id in ids} == {OrderStatus.EXPIRED})
    assert system.findings() == []
