"""Each grant of a simulator has its call. A call without its grant fails in every test here."""

import pytest

from infra.catalog.functions import SIMULATORS
from infra.catalog.grants import GRANTS
from simulators.reference import EXCHANGE_IDS
from tests.integration.simulators.test_depository_api import settle
from tests.integration.simulators.world import World
from tests.simulation.permissions import Use


def test_each_grant_of_a_simulator_has_its_call(world: World) -> None:
    for number, exchange_id in enumerate(EXCHANGE_IDS):
        changes = {"client_order_id": f"ord_{number}-1"}
        world.submit(exchange_id, **changes)
        world.match()
        world.status(f"ord_{number}-1", exchange_id)
        world.submit(exchange_id, client_order_id=f"ord_{number}-2", limit_price="200.00")
        world.match()
        world.cancel(f"ord_{number}-2", exchange_id)
        world.tick()
    world.cancel("ord_9-1")
    world.quote()
    settle(world)
    world.request(
        world.depository_api,
        "GET",
        "/depository/confirmations",
        key_id="depository",
        query={"settlement_date": "2026-01-06"},
    )
    granted = {
        Use(function, resource, action)
        for function in SIMULATORS
        for resource, actions in GRANTS[function].items()
        for action in actions.split()
    }
    assert granted - world.permissions == set(), "remove these grants"


def test_a_call_without_its_grant_fails(world: World) -> None:
    world._running = "depository_api"
    operation = type("Operation", (), {"name": "GetItem"})
    with pytest.raises(AssertionError, match="no grant for"):
        world._called({"TableName": "exchange-books"}, operation)
    world._running = None
