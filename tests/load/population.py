"""Writes the clients of a run to the tables: profile, opening deposits and credentials."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from local import deploy
from local.api import Credentials
from local.aws_client import aws_client
from local.demo import DemoClient
from local.seed import Seeder
from trading.adapters.identity import passwords
from trading.domain.clients.client import Client
from trading.domain.clients.credentials import CLIENT_AUDIENCE, CLIENT_PERMISSIONS
from workstation.local_system import LocalSystem

CASH = Decimal(150_000)
CREDIT = Decimal(50_000)
SHARES = {
    "AAPL": (150, Decimal("30000.00")),
    "KO": (400, Decimal("24000.00")),
    "MSFT": (80, Decimal("32000.00")),
    "NVDA": (200, Decimal("25000.00")),
    "XOM": (200, Decimal("22000.00")),
}
"""The opening shares and their total cost, by symbol."""
ON_MARGIN_EVERY = 4
WRITERS = 4


def client_ids(run_id: str, clients: int) -> list[str]:
    """The client ids. They are derived from the run, so that runs on the same system do not
    collide.
    """
    return [f"{prefix(run_id)}{number:04}" for number in range(clients)]


def prefix(run_id: str) -> str:
    """The prefix of the ids of a run's clients. No other ids have it."""
    return f"load-{run_id}-"


def populate(system: LocalSystem, ids: Sequence[str]) -> list[Credentials]:
    """Write the clients. Every fourth client trades on margin."""
    seeder = Seeder(aws_client(system, "dynamodb"), deploy.outputs(system), system.credentials_file)

    def add(number: int, client_id: str) -> Credentials:
        margin = (
            {"margin_percent": Decimal(50), "credit_limit": CREDIT}
            if number % ON_MARGIN_EVERY == 0
            else {}
        )
        client = Client(
            client_id=client_id,
            name=client_id,
            daily_trading_limit=Decimal(1_000_000_000),
            settlement_account=f"csd-{client_id}",
            **margin,
        )
        seeder.add_client(DemoClient(client, CASH, SHARES))
        secret = Credentials(
            client_id=client_id, api_key=client_id, api_secret=passwords.generate_secret()
        )
        seeder.add_credential(secret, CLIENT_PERMISSIONS, CLIENT_AUDIENCE)
        return secret

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(add, range(len(ids)), ids))
