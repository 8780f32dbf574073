"""Fixtures of the contract suites: the local AWS and moto.

A suite runs the same assertions against the simulated service and against these two.
"""

import os
import socket
from collections.abc import Iterator

import pytest
from moto import mock_aws
from moto.core.config import default_user_config

from local import server
from tests.simulation.contracts.backends import BACKENDS
from tests.simulation.contracts.dynamodb_tables import SPECS, Tables, tables_in
from tests.simulation.contracts.timeline import Workflows
from workstation.local_system import LocalSystem


@pytest.fixture(scope="session", autouse=True)
def one_session() -> Iterator[None]:
    """Let boto3 read the services' models once.

    By default each mock creates a new session, which reads the models again before every test.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(default_user_config["core"], "reset_boto3_session", False)
        yield


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    """An empty local AWS. `local.aws_client.aws_client(system, service)` creates its clients."""
    system = LocalSystem(tmp_path_factory.mktemp("local_aws"), _free_port())
    server.start(system, keep_state=False)
    try:
        yield system
    finally:
        server.stop(system)


@pytest.fixture
def world() -> Workflows:
    """Simulated Step Functions with simulated queues."""
    return Workflows()


@pytest.fixture
def moto_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let boto3 create moto's clients during the test."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture(params=BACKENDS)
def tables(request: pytest.FixtureRequest) -> Tables:
    """DynamoDB tables of the test's own, in each backend."""
    return tables_in(request.param, request, SPECS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
