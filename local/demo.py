"""The demo clients: names, limits, permissions, and opening cash and shares."""

from dataclasses import dataclass, field
from decimal import Decimal

from trading.domain.clients.client import Client
from trading.domain.clients.roles import ALL_ROLES

SERVICE_ID = "internal-service"
"""An operator with all roles: for programs that play with a demo system."""
OPERATORS = {SERVICE_ID: ALL_ROLES, **{str(role): (role,) for role in ALL_ROLES}}
"""The operators of a demo system, with their roles. For each role there is one of its name."""


@dataclass(frozen=True)
class DemoClient:
    """A client with opening cash and shares. `shares`: symbol → quantity and total cost."""

    client: Client
    cash: Decimal
    shares: dict[str, tuple[int, Decimal]] = field(default_factory=dict)


SMOKE_ID = "smoke"
SMOKE_CLIENT = DemoClient(
    Client(
        client_id=SMOKE_ID,
        name="The synthetic client of the smoke test",
        daily_trading_limit=Decimal(5_000),
        settlement_account="csd-smoke",
    ),
    cash=Decimal(1_000),
)
DEMO_CLIENTS = (
    DemoClient(
        Client(
            client_id="alice",
            name="Alice, a cash account",
            daily_trading_limit=Decimal(500_000),
            settlement_account="csd-alice",
        ),
        cash=Decimal(100_000),
        shares={"AAPL": (100, Decimal(19_840)), "MSFT": (50, Decimal(20_505))},
    ),
    DemoClient(
        Client(
            client_id="bob",
            name="Bob, on margin",
            margin_percent=Decimal(50),
            credit_limit=Decimal(50_000),
            daily_trading_limit=Decimal(250_000),
            settlement_account="csd-bob",
        ),
        cash=Decimal(50_000),
    ),
    DemoClient(
        Client(
            client_id="carol",
            name="Carol, who starts small",
            daily_trading_limit=Decimal(5_000),
            settlement_account="csd-carol",
        ),
        cash=Decimal(1_000),
    ),
)
