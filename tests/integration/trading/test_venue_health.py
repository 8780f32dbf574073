"""Execution quality is gathered in the worker, written every few seconds and shared. It never stops
other work.
"""

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.integration.backing import PREFIX
from tests.integration.trading.books import items
from trading.adapters.venues.health import TableVenueHealth
from trading.domain.orders.routing import ExecutionQuality
from trading.domain.reference.instruments import Exchange

EXCHANGES = [Exchange(exchange_id=e, name=e, fee_per_share="0.0030") for e in ("XNYS", "XNAS")]


def worker(dynamodb: Any, clock: Clock, table: str = f"{PREFIX}control") -> TableVenueHealth:
    return TableVenueHealth(dynamodb, table, lambda: EXCHANGES, clock)


def kept(dynamodb: Any) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in items(dynamodb, f"{PREFIX}control")}


def test_an_exchange_without_observations_has_full_quality(dynamodb: Any, clock: Clock) -> None:
    assert worker(dynamodb, clock).scores() == {"XNYS": 1, "XNAS": 1}


def test_observations_are_written_together_after_five_seconds(dynamodb: Any, clock: Clock) -> None:
    health = worker(dynamodb, clock)
    health.observe("XNYS", Decimal(0))
    health.observe("XNYS", Decimal("0.5"))
    clock.forward(seconds=4)
    health.observe("XNAS", Decimal(0))
    assert kept(dynamodb) == {}
    clock.forward(seconds=1)
    health.observe("XNYS", Decimal(1))
    expected = ExecutionQuality(exchange_id="XNYS")
    for outcome in (Decimal(0), Decimal("0.5"), Decimal(1)):
        expected = expected.observed(outcome, clock())
    assert kept(dynamodb)["QUALITY#XNYS"]["score"] == expected.score
    assert kept(dynamodb)["QUALITY#XNYS"]["version"] == 1
    assert worker(dynamodb, clock).scores()["XNYS"] == expected.score
    assert worker(dynamodb, clock).scores()["XNAS"] < 1


def test_a_workers_view_is_at_most_a_second_old(dynamodb: Any, clock: Clock) -> None:
    writer, reader = worker(dynamodb, clock), worker(dynamodb, clock)
    assert reader.scores()["XNYS"] == 1
    clock.forward(seconds=5)
    reader.scores()
    writer.observe("XNYS", Decimal(0))
    assert reader.scores()["XNYS"] == 1
    clock.forward(seconds=1)
    assert reader.scores()["XNYS"] < 1


def test_later_observations_build_on_those_of_other_workers(dynamodb: Any, clock: Clock) -> None:
    for _ in range(3):
        health = worker(dynamodb, clock)
        clock.forward(seconds=5)
        health.observe("XNYS", Decimal(0))
    assert kept(dynamodb)["QUALITY#XNYS"]["version"] == 3


def test_a_lost_race_loses_only_the_observation(
    dynamodb: Any, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    loser = worker(dynamodb, clock)
    winner = ExecutionQuality(exchange_id="XNYS").observed(Decimal(1), clock())

    def win(**_: Any) -> None:
        dynamodb.meta.events.unregister("before-call.dynamodb.PutItem", win)
        other = worker(dynamodb, clock)
        clock.forward(seconds=5)
        other.observe("XNYS", Decimal(1))

    dynamodb.meta.events.register("before-call.dynamodb.PutItem", win)
    clock.forward(seconds=5)
    loser.observe("XNYS", Decimal(0))
    assert kept(dynamodb)["QUALITY#XNYS"]["score"] == winner.score
    assert '"QualityUpdatesLost"' in capsys.readouterr().out


def test_without_the_control_table_routing_continues(
    dynamodb: Any, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    health = worker(dynamodb, clock, "no-such-table")
    assert health.suspended() == frozenset()
    assert health.scores() == {}
    clock.forward(seconds=5)
    health.observe("XNYS", Decimal(0))
    assert '"VenueHealthUnavailable"' in capsys.readouterr().out
