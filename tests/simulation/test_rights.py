"""The simulation knows who may call each route."""

import pytest

from tests.simulation.rights import OPEN_TO_ALL, ROUTES


@pytest.mark.parametrize("api", ROUTES)
def test_each_route_of_an_api_has_a_right(api: str) -> None:
    rights, routes = ROUTES[api]
    assert {(route.method, route.path) for route in routes} == rights.keys()
    signed = {(route.method, route.path) for route in routes if route.signed}
    assert signed == {key for key, right in rights.items() if right == OPEN_TO_ALL}
