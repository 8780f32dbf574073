"""A local system for these tests alone: deployed once, from nothing, on its own port."""

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from typer.testing import CliRunner

from local import demo, deploy, run, seed, server, warm_up
from local.api import Credentials, TradingClient, rest_api_url
from local.aws_client import aws_client
from ops.__main__ import app
from simulators.reference import EXCHANGE_IDS
from tests.system.signing import Signed
from trading.adapters.dynamodb.transactions import to_item
from workstation.local_system import STAGE, LocalSystem

PORT = int(os.environ.get("TRADING_TEST_PORT", "4630"))
TOKEN_SECONDS = 60.0
Administer = Callable[..., httpx.Response]
PROMPT = {name: Decimal(0) for name in ("silence_rate", "late_rate", "down_rate")}


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
def callbacks_url(system: LocalSystem) -> str:
    """The API that exchanges call back."""
    return run.callbacks_url(system)


@pytest.fixture(scope="session")
def internal_url(system: LocalSystem) -> str:
    """The internal API."""
    return rest_api_url(system.endpoint, deploy.outputs(system)["InternalApiId"], STAGE)


@pytest.fixture
def key() -> str:
    """An idempotency key that no other test uses."""
    return str(uuid4())


@dataclass
class LoggedIn:
    """The clients, and the time of their log-in."""

    clients: dict[str, TradingClient]
    at: float = -math.inf


@pytest.fixture(scope="session")
def logged_in(system: LocalSystem, api_url: str) -> Iterator[LoggedIn]:
    """Logs in the demo's clients for the whole session."""
    credentials = seed.credentials(system)
    clients = {name: TradingClient(api_url, credentials[name]) for name in seed.DEMO_CLIENT_IDS}
    yield LoggedIn(clients)
    for client in clients.values():
        client.__exit__()


@pytest.fixture
def clients(logged_in: LoggedIn) -> dict[str, TradingClient]:
    """The demo's clients, with tokens that outlast any test: no test takes 14 of their 15 min."""
    if time.monotonic() - logged_in.at > TOKEN_SECONDS:
        for client in logged_in.clients.values():
            client.log_in(str(uuid4()))
        logged_in.at = time.monotonic()
    return logged_in.clients


@pytest.fixture
def alice(clients: dict[str, TradingClient]) -> TradingClient:
    """A client with cash and shares."""
    return clients["alice"]


@pytest.fixture
def prompt_exchanges(system: LocalSystem) -> Iterator[None]:
    """Makes the exchanges report immediately. test_session covers the waiting times of a minute."""
    dynamodb, table = aws_client(system, "dynamodb"), deploy.outputs(system)["ExchangeBooksTable"]
    keys = [{"pk": "CONFIG", "sk": exchange_id} for exchange_id in EXCHANGE_IDS]
    for key in keys:
        dynamodb.put_item(TableName=table, Item=to_item(key | PROMPT))
    yield
    for key in keys:
        dynamodb.delete_item(TableName=table, Key=to_item(key))


@pytest.fixture
def ops(system: LocalSystem, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command, and returns its JSON answer."""
    monkeypatch.setenv("TRADING_PORT", str(system.port))
    monkeypatch.setenv("TRADING_LOCAL_DIR", str(system.directory))

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, ["--local", *arguments, "--json"])
        assert result.exit_code in (0, 1), result.stderr
        return json.loads(result.stdout)

    return run


@pytest.fixture(scope="module")
def acting_as(internal_url: str, system: LocalSystem) -> Iterator[Callable[[str], Administer]]:
    """Logs an operator in, who then sends requests to the admin API. The path follows
    `/api/v1/admin/`.
    """
    with httpx.Client(timeout=30) as http:

        def log_in(name: str) -> Administer:
            credentials = seed.credentials(system)[name]
            with TradingClient(internal_url, credentials) as operator:
                token = operator.log_in(str(uuid4()))
            signed = Signed(credentials)

            def send(method: str, path: str, **body: Any) -> httpx.Response:
                headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
                content = {"json": body | {"reason": "a test"}} if method != "GET" else {}
                url = f"{internal_url}/api/v1/admin/{path}"
                auth = signed if method != "GET" else None
                return http.request(method, url, headers=headers, auth=auth, **content)

            return send

        yield log_in


@pytest.fixture(scope="module")
def administer(acting_as: Callable[[str], Administer]) -> Administer:
    """Sends requests as the operator with all roles."""
    return acting_as(demo.SERVICE_ID)


@pytest.fixture
def erin(api_url: str, administer: Administer) -> Iterator[TradingClient]:
    """A client that one test has for itself, logged in."""
    name = f"erin-{uuid4().hex[:12]}"
    answer = administer(
        "POST",
        "clients",
        client_id=name,
        name="Erin",
        daily_trading_limit="1000.00",
        settlement_account=f"csd-{name}",
    )
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    with TradingClient(api_url, Credentials.model_validate(answer.json())) as client:
        client.log_in(str(uuid4()))
        yield client
