"""The initial data of a world: instruments, exchanges, secrets, and one client with cash, shares
and an API key.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from infra.catalog.names import DEPOSITORY, EXCHANGES
from simulators import reference
from trading.adapters.dynamodb.connections import TableConnections
from trading.adapters.dynamodb.registry import TableRegistry
from trading.adapters.dynamodb.tables import TableBooks, TableNames
from trading.adapters.dynamodb.transactions import to_item
from trading.adapters.identity import passwords
from trading.domain.accounts import transfers
from trading.domain.clients.client import Client
from trading.domain.clients.credentials import Credential
from trading.domain.connections import Connection
from trading.domain.reference.instruments import Exchange, Instrument

if TYPE_CHECKING:
    from tests.benchmarks.world import World

CLIENT = "client-0001"
API_KEY = "client-0001-0123456789abcdef"
API_SECRET = passwords.generate_secret()
SYMBOL = "KO"
SECRETS = tuple(f"venue-{venue}" for venue in (*EXCHANGES, DEPOSITORY))
FAULTLESS = {
    f"{fault}_rate": 0
    for fault in ("reject", "partial", "duplicate", "late", "out_of_order", "silence", "down")
} | {"latency_ms_min": 0, "latency_ms_max": 0, "displayed_size": 100_000}
SOUND = {f"{fault}_rate": 0 for fault in ("fail", "unavailable", "slow", "answer_lost")}
PERMISSIONS = ("orders:read", "orders:write")


def seed(world: World) -> None:
    """Write the initial data without counting it."""
    for name in SECRETS:
        world.secrets.create_secret(Name=world.prefix + name, SecretString=f"{name:x<64}")
    credentials = f"{world.prefix}credentials"
    registry = TableRegistry(world.dynamodb, table_names(world), credentials, books(world))
    for listed in reference.INSTRUMENTS:
        fields = Instrument.model_fields.keys() & listed._fields
        instrument = Instrument(**{name: getattr(listed, name) for name in fields})
        registry.commit(instrument)
    for venue in reference.EXCHANGES:
        exchange = Exchange(
            exchange_id=venue.exchange_id,
            name=venue.name,
            fee_per_share=Decimal(venue.fee_per_share),
        )
        registry.commit(exchange)
    for item in reference.market_items():
        put(world, "exchange-books", item)
    for exchange_id in EXCHANGES:
        configure_exchange(world, exchange_id)
    put(world, "depository-books", {"pk": "CONFIG", "sk": DEPOSITORY, **SOUND})
    client = Client(
        client_id=CLIENT,
        name="A client with a name of usual length",
        daily_trading_limit=Decimal(100_000_000),
        settlement_account=f"csd-{CLIENT}",
    )
    put(world, "clients", client.model_dump())
    _fund(world)
    credential = Credential(
        api_key=API_KEY,
        client_id=CLIENT,
        secrets=(passwords.stored(API_SECRET),),
        permissions=PERMISSIONS,
    )
    world.dynamodb.put_item(
        TableName=f"{world.prefix}credentials", Item=to_item(credential.model_dump())
    )


def configure_exchange(world: World, exchange_id: str, **behaviour: Any) -> None:
    """Configure an exchange that is faultless except for these fields."""
    put(world, "exchange-books", {"pk": "CONFIG", "sk": exchange_id, **FAULTLESS, **behaviour})


def replenish(world: World) -> None:
    """Restore the displayed shares of the exchanges, as the next minute would."""
    table = f"{world.prefix}exchange-books"
    for item in world.dynamodb.scan(TableName=table)["Items"]:
        if item["pk"]["S"].startswith("LIQUIDITY#"):
            world.dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})


def put(world: World, table: str, attributes: dict[str, Any]) -> None:
    world.dynamodb.put_item(TableName=world.prefix + table, Item=to_item(attributes))


def books(world: World) -> TableBooks:
    """Access to the books that is not counted."""
    return TableBooks(world.dynamodb, table_names(world), world.clock)


def table_names(world: World) -> TableNames:
    """The physical names of the tables of the books."""
    return TableNames(**{name: world.prefix + name for name in TableNames.__dataclass_fields__})


def _fund(world: World) -> None:
    the_books, now = books(world), world.clock() - timedelta(days=1)
    account = the_books.account(CLIENT)
    the_books.commit(*transfers.deposit_cash(account, Decimal(50_000_000), "opening-cash", now))
    position = the_books.position(CLIENT, SYMBOL)
    the_books.commit(
        *transfers.deposit_shares(position, 100_000, Decimal(6_000_000), "opening-shares", now)
    )


def connect(world: World) -> None:
    """Give the client a connection to the stream that has been told everything."""
    table = TableConnections(world.dynamodb, f"{world.prefix}connections", world.clock)
    connection = Connection(
        connection_id="connection",
        api_key=API_KEY,
        generation=0,
        expires_at=world.clock() + timedelta(days=365),
        sees_orders=True,
        since=books(world).account(CLIENT).version,
        subscription=1,
    )
    table.commit(table.of(CLIENT).without("connection").opened(connection))
