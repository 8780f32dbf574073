"""A local system of the tests' own: deployed once, from nothing, on its own port."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from local import deploy, run, seed, server, warm_up
from local.api import TradingClient, rest_api_url
from workstation.place import STAGE, Place

PORT = int(os.environ.get("TRADING_TEST_PORT", "4630"))


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running, deployed, seeded system."""
    directory: Path = tmp_path_factory.mktemp("local")
    place = Place(directory, PORT)
    server.start(place, keep_state=False)
    try:
        deploy.deploy(place, lambda _: None)
        seed.seed(place)
        warm_up.warm_up(place)
        yield place
    finally:
        server.stop(place)


@pytest.fixture(scope="session")
def api_url(place: Place) -> str:
    """The public API."""
    return run.api_url(place)


@pytest.fixture(scope="session")
def internal_url(place: Place) -> str:
    """The internal API."""
    return rest_api_url(place.endpoint, deploy.outputs(place)["InternalApiId"], STAGE)


@pytest.fixture
def key() -> str:
    """An idempotency key that nobody else uses."""
    return str(uuid4())


@pytest.fixture(scope="session")
def clients(place: Place, api_url: str) -> Iterator[dict[str, TradingClient]]:
    """The demo's clients, logged in."""
    credentials = seed.credentials(place)
    clients = {name: TradingClient(api_url, credentials[name]) for name in seed.DEMO_CLIENT_IDS}
    for client in clients.values():
        client.log_in(str(uuid4()))
    yield clients
    for client in clients.values():
        client.__exit__()


@pytest.fixture
def alice(clients: dict[str, TradingClient]) -> TradingClient:
    """A client with cash and shares."""
    return clients["alice"]
