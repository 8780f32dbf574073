"""The command line over the whole system on a mocked AWS."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.profiles import own_file
from local import demo_profiles
from local.api import Credentials
from local.demo import DEMO_CLIENTS, OPERATORS, SERVICE_ID
from tests.integration.cli.gateway import Gateway
from tests.integration.system import System
from tests.integration.trading.books import NAMES, put
from trading.adapters.identity import passwords
from trading.adapters.identity.signature_keys import new_key_pair
from trading.domain.clients.credentials import (
    CLIENT_AUDIENCE,
    CLIENT_PERMISSIONS,
    INTERNAL_AUDIENCE,
    Credential,
)
from trading.domain.clients.roles import Role, permissions_of

CREDENTIALS_TABLE = NAMES.clients.replace("clients", "credentials")
CLIENT_IDS = tuple(demo.client.client_id for demo in DEMO_CLIENTS)


@dataclass
class Terminal:
    """A user with a profile of each demo client, of an operator with all roles, and of one with the
    role `transfers`.
    """

    gateway: Gateway

    def run(
        self, *arguments: str, patience: float = 30, env: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Answers exit status, standard output and standard error."""
        result = CliRunner().invoke(app, ["--patience", str(patience), *arguments], env=env)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def ask(self, *arguments: str, status: int = 0, env: dict[str, str] | None = None) -> Any:
        """The JSON answer of a command that ends with this status."""
        code, out, err = self.run(*arguments, "--json", env=env)
        assert code == status, out + err
        return json.loads(out)

    def refused(self, *arguments: str, status: int, env: dict[str, str] | None = None) -> Any:
        """The problem of a command that ends with this status and prints nothing on standard
        output.
        """
        code, out, err = self.run(*arguments, "--json", env=env)
        assert (code, out) == (status, ""), err
        return json.loads(err)

    def forget_public_key(self, name: str) -> None:
        """Take the registered key of a user away, as an operator can."""
        self.gateway.system.dynamodb.update_item(
            TableName=CREDENTIALS_TABLE,
            Key={"api_key": {"S": f"key-{name}"}},
            UpdateExpression="REMOVE public_key",
        )


@pytest.fixture
def gateway(system: System) -> Iterator[Gateway]:
    gateway = Gateway(system)
    try:
        yield gateway
    finally:
        gateway.close()


@pytest.fixture
def terminal(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("TRADING_LOCAL_DIR", str(tmp_path / "none"))
    secrets = {}
    for name in (*CLIENT_IDS, SERVICE_ID, Role.TRANSFERS):
        private_key, public_key = new_key_pair() if name in OPERATORS else (None, None)
        secret = Credentials(
            client_id=name,
            api_key=f"key-{name}",
            api_secret=f"secret of {name}",
            private_key=private_key,
        )
        secrets[str(name)] = secret
        roles = OPERATORS.get(name, ())
        credential = Credential(
            api_key=secret.api_key,
            client_id=name,
            secrets=(passwords.stored(secret.api_secret),),
            permissions=permissions_of(roles) if roles else CLIENT_PERMISSIONS,
            audience=INTERNAL_AUDIENCE if roles else CLIENT_AUDIENCE,
            public_key=public_key,
        )
        put(gateway.system.dynamodb, CREDENTIALS_TABLE, credential.model_dump())
    demo_profiles.write(
        own_file(),
        "local",
        gateway.url("public"),
        gateway.url("internal"),
        "ws://127.0.0.1:9/stream",
        secrets,
    )
    return Terminal(gateway)
