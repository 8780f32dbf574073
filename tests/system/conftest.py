"""A local system of the tests' own: deployed once, from nothing, on its own port."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from local import deploy, run, seed, server, warm_up
from local.api import TradingClient, rest_api_url
from workstation.local_system import STAGE, LocalSystem

PORT = int(os.environ.get("TRADING_TEST_PORT", "4630"))


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    """A running, deployed, seeded system."""
    directory: Path = tmp_path_factory.mktemp("local")
    system = LocalSystem(directory, PORT)
    server.start(system, keep_state=False)
    try:
        deploy.deploy(system, lambda _: None)
        seed.seed(system)
        warm_up.warm_up(system)
        yield system
    finally:
        server.stop(system)


@pytest.fixture(scope="session")
def api_url(system: LocalSystem) -> str:
    """The public API."""
    return run.api_url(system)


@pytest.fixture(scope="session")
def internal_url(system: LocalSystem) -> str:
    """The internal API."""
    return rest_api_url(system.endpoint, deploy.outputs(system)["InternalApiId"], STAGE)


@pytest.fixture
def key() -> str:
    """An idempotency key that nobody else uses."""
    return str(uuid4())


@pytest.fixture(scope="session")
def clients(system: LocalSystem, api_url: str) -> Iterator[dict[str, TradingClient]]:
    """The demo's clients, logged in."""
    credentials = seed.credentials(system)
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
