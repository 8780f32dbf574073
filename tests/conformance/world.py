"""The world of a conformance run: its own client with many API keys, orders to look at, and things
that only this run may change.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from local import deploy, run
from local.api import Credentials, TradingClient, rest_api_url
from local.aws_client import aws_client
from local.seed import Seeder, output_of
from tests.load.population import populate
from trading.adapters.identity import passwords
from trading.adapters.identity.signature_keys import new_key_pair
from trading.domain.clients.credentials import (
    CLIENT_AUDIENCE,
    CLIENT_PERMISSIONS,
    INTERNAL_AUDIENCE,
)
from trading.domain.clients.roles import ALL_ROLES, permissions_of
from trading.domain.reference.instruments import Instrument
from workstation.local_system import STAGE, LocalError, LocalSystem
from workstation.reference_data import ReferenceTables

KEYS = 12
"""The rate limit is for each API key. A run that takes the keys in turn does not reach it."""
SYMBOLS = ("AAPL", "KO", "MSFT", "NVDA", "XOM")
HALTABLE = "HALTME"
PLACED = 6
CLEARED_SECONDS = 420


class World(BaseModel):
    """Everything that the hooks need. `login` and `operator_login` hold
    credentials for log-in only. `subject_id` is a
    client that administrators may change in any way.
    """

    model_config = ConfigDict(frozen=True)

    urls: dict[str, str]
    """The address of each API."""
    client_id: str
    subject_id: str
    keys: tuple[Credentials, ...]
    login: Credentials
    operator_login: Credentials
    operator_keys: tuple[Credentials, ...]
    venue_secret: str
    symbols: tuple[str, ...] = SYMBOLS
    haltable: str = HALTABLE
    orders: dict[str, str]
    """The key with which each order was placed, by order id."""
    trades: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Write the world with mode 0600, because it holds secrets."""
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self.model_dump_json())

    @classmethod
    def read(cls, path: Path) -> "World":
        return cls.model_validate_json(path.read_bytes())


def create(system: LocalSystem) -> World:
    """Write the run's client to the running system and trade a little. Raises LocalError."""
    run_id = f"conf-{uuid4().hex[:8]}"
    subject_id = f"{run_id}-subject"
    first, _ = populate(system, [run_id, subject_id])
    outputs = deploy.outputs(system)
    dynamodb = aws_client(system, "dynamodb")
    seeder = Seeder(dynamodb, outputs, system.credentials_file)
    login, *client_keys = _keys(run_id)
    for secret in (login, *client_keys):
        seeder.add_credential(secret, CLIENT_PERMISSIONS, CLIENT_AUDIENCE)
    operator_login, *operator_keys = _programs(_keys(f"{run_id}-operator"))
    for secret in (operator_login, *operator_keys):
        seeder.add_credential(secret, permissions_of(ALL_ROLES), INTERNAL_AUDIENCE, ALL_ROLES)
    instrument = Instrument(
        symbol=HALTABLE, name="Halted and resumed by whoever tests", reference_price="10.00"
    )
    registry = ReferenceTables(dynamodb, lambda name: outputs[output_of(name)]).registry
    registry.commit((registry.listed(HALTABLE) or instrument).with_tradable(True))
    public_url = run.api_url(system)
    with TradingClient(public_url, first) as client:
        client.log_in(str(uuid4()))
        orders = dict(_placed(client))
        trades = _cleared(client, orders)
    return World(
        urls={
            "public": public_url,
            "internal": rest_api_url(system.endpoint, outputs["InternalApiId"], STAGE),
            "callbacks": run.callbacks_url(system),
        },
        client_id=run_id,
        subject_id=subject_id,
        keys=tuple(client_keys),
        login=login,
        operator_login=operator_login,
        operator_keys=tuple(operator_keys),
        venue_secret=_venue_secret(system, "XNYS"),
        orders=orders,
        trades=tuple(trades),
    )


def _keys(owner: str) -> list[Credentials]:
    return [
        Credentials(
            client_id=owner, api_key=f"{owner}-{number}", api_secret=passwords.generate_secret()
        )
        for number in range(KEYS)
    ]


def _programs(keys: Iterable[Credentials]) -> list[Credentials]:
    """The same keys, each with a private key that signs its log-ins."""
    return [key.model_copy(update={"private_key": new_key_pair()[0]}) for key in keys]


def _placed(client: TradingClient) -> Iterable[tuple[str, str]]:
    for number in range(PLACED):
        order: dict[str, Any] = {
            "client_id": client.client_id,
            "stock_symbol": "KO",
            "quantity": 5,
            "order_type": "market",
            "side": "buy",
            "time_in_force": "DAY",
        }
        if number % 2:
            order |= {"order_type": "limit", "price": "55.00", "time_in_force": "GTC"}
        key = str(uuid4())
        answer = client.place(order, key).raise_for_status()
        yield answer.json()["order_id"], key


def _cleared(client: TradingClient, orders: Iterable[str]) -> list[str]:
    deadline = time.monotonic() + CLEARED_SECONDS
    while True:
        shown = [client.order(order_id).raise_for_status().json() for order_id in orders]
        trades = [detail["trade_id"] for order in shown for detail in order["clearing_details"]]
        if trades:
            return trades
        if time.monotonic() > deadline:
            raise LocalError("no order was cleared", "Look at the log, or start anew: make run.")
        time.sleep(1)


def _venue_secret(system: LocalSystem, key_id: str) -> str:
    client = aws_client(system, "secretsmanager")
    return str(client.get_secret_value(SecretId=f"trading-{STAGE}-venue-{key_id}")["SecretString"])


def log_in(url: str, credentials: Credentials) -> str:
    """Log in and return the token. Raises httpx.HTTPStatusError."""
    with TradingClient(url, credentials) as client:
        return client.log_in(str(uuid4()))
