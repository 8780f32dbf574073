"""No transaction undoes what another writer wrote after it read.

The tables below have every kind of change that a transaction can write. Each is run against another
writer. The last test fails if a kind of change is in no table. `test_item_writers.py` does the same
for the methods that write one item by themselves.
"""

import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.builders import make_instrument, make_secret
from tests.integration.backing import PREFIX
from tests.integration.trading import entities
from tests.integration.trading.books import NAMES, items, put
from trading.adapters.dynamodb.registry import TableRegistry
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.dynamodb.transactions import from_item, to_item
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client, ClientStatus
from trading.domain.clients.credentials import Credential, CredentialStatus
from trading.domain.clients.proposals import Proposal
from trading.domain.ledger import (
    DEPOSITORY,
    Break,
    ClosedAdvance,
    Deposit,
    Fill,
    Novation,
    Reversal,
    Settlement,
    Withdrawal,
    client_account,
    transfer,
)
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation
from trading.domain.reference.instruments import Exchange, Instrument
from trading.usecases.ports import Discharged, StaleError

CREDENTIALS = f"{PREFIX}credentials"
PROPOSALS = f"{PREFIX}proposals"


def client(**changes: Any) -> Client:
    fields: dict[str, Any] = {
        "client_id": "alice",
        "name": "Alice",
        "daily_trading_limit": Decimal("50000.00"),
        "settlement_account": "csd-alice",
    }
    return Client(**fields | changes)


def credential(**changes: Any) -> Credential:
    fields: dict[str, Any] = {
        "api_key": "key-1",
        "client_id": "alice",
        "secrets": (make_secret("first"),),
        "permissions": ("orders:read",),
    }
    return Credential(**fields | changes)


def withdrawal() -> Withdrawal:
    return Withdrawal(
        trade_id="wdr_1",
        client_id="alice",
        reference="out",
        booked_at=entities.NOW,
        postings=transfer("USD", client_account("alice"), DEPOSITORY, 1),
    )


def reversal() -> Reversal:
    terms = entities.fill().model_dump(exclude={"kind", "trade_id", "corrects", "peak"})
    return Reversal(**terms | {"trade_id": "trd_2", "reverses": "trd_1", "settles": False})


def closed_advance() -> ClosedAdvance:
    about = reversal().model_dump(
        include={"trade_id", "client_id", "order_id", "symbol", "currency", "booked_at"}
    )
    return ClosedAdvance(**about, reference="case-1")


@dataclass(frozen=True)
class Kept:
    """A versioned entity, another writer's change of it, and where its item is."""

    entity: Any
    changed: Callable[[Any], Any]
    table: str
    key: dict[str, str]


KEPT: dict[type, Kept] = {
    Order: Kept(
        entities.order(),
        lambda order: order.flagged_for_review("OVERFILL"),
        NAMES.orders,
        {"order_id": "ord_1", "item": "ORDER"},
    ),
    Account: Kept(
        entities.account(),
        lambda account: account.move(available=Decimal("5.00")),
        NAMES.accounts,
        {"client_id": "alice", "item": "CASH"},
    ),
    Position: Kept(
        entities.position(),
        lambda position: position.move(available=5, cost=Decimal("1.00")),
        NAMES.accounts,
        {"client_id": "alice", "item": "POSITION#AAPL"},
    ),
    Client: Kept(
        client(),
        lambda profile: profile.with_status(ClientStatus.INACTIVE),
        NAMES.clients,
        {"client_id": "alice"},
    ),
    Credential: Kept(
        credential(),
        lambda key: key.reissued(make_secret("theirs"), "rotation-2", entities.NOW),
        CREDENTIALS,
        {"api_key": "key-1"},
    ),
    Proposal: Kept(
        entities.proposal(),
        lambda proposal: proposal.but(reason="theirs"),
        PROPOSALS,
        {"proposal_id": "prp_1"},
    ),
    Instrument: Kept(
        make_instrument(version=0),
        lambda instrument: instrument.with_tradable(not instrument.tradable),
        NAMES.reference,
        {"kind": "INSTRUMENT", "id": "AAPL"},
    ),
    Exchange: Kept(
        Exchange(exchange_id="XNYS", name="NYSE", fee_per_share=Decimal("0.003")),
        lambda exchange: exchange.with_key_status(CredentialStatus.INACTIVE),
        NAMES.reference,
        {"kind": "EXCHANGE", "id": "XNYS"},
    ),
}
"""The entities that are saved on the version that was read."""

CREATED: dict[type, Any] = {
    Obligation: entities.obligation(),
    Fill: entities.fill(),
    Reversal: reversal(),
    Novation: entities.novation(),
    Settlement: entities.settlement(),
    Deposit: entities.deposit(),
    Withdrawal: withdrawal(),
    ClosedAdvance: closed_advance(),
    Break: entities.trade_break(),
}
"""The entities that are created once and never changed."""

DELETED: dict[type, Any] = {Discharged: Discharged(obligation=entities.obligation())}
"""The changes that delete an item, once."""


@pytest.fixture
def registry(dynamodb: Any, books: TableBooks) -> TableRegistry:
    return TableRegistry(dynamodb, NAMES, CREDENTIALS, books, proposals_table=PROPOSALS)


SEEDED: dict[type, Callable[[TableRegistry], object]] = {
    Client: lambda registry: registry.profile("alice"),
    Credential: lambda registry: registry.credential("key-1"),
    Instrument: lambda registry: registry.listed("AAPL"),
    Exchange: lambda registry: registry.exchange("XNYS"),
}
"""What earlier releases wrote without a version, and how it is read."""


def stored(dynamodb: Any, kept: Kept) -> dict[str, Any]:
    """The item as it is now. Empty if there is none."""
    answer = dynamodb.get_item(TableName=kept.table, Key=to_item(kept.key))
    return from_item(answer.get("Item", {}))


def in_version(registry: TableRegistry, kept: Kept, version: int) -> Any:
    """Save the entity until it has this version, and answer it as a reader reads it."""
    entity: Any = kept.entity
    while entity.version < version:
        registry.commit(entity)
        entity = entity.saved()
    return entity


by_name = pytest.mark.parametrize(
    "kept", KEPT.values(), ids=lambda kept: type(kept.entity).__name__
)


@by_name
@pytest.mark.parametrize("version", [1, 2, 7])
def test_an_entity_that_another_writer_saved_is_not_overwritten(
    registry: TableRegistry, dynamodb: Any, kept: Kept, version: int
) -> None:
    read = in_version(registry, kept, version)
    theirs = read
    for _ in range(2):
        theirs = kept.changed(theirs)
        registry.commit(theirs)
        theirs = theirs.saved()
        item = stored(dynamodb, kept)
        with pytest.raises(StaleError):
            registry.commit(read)
        assert stored(dynamodb, kept) == item
        assert item["version"] == theirs.version


@by_name
def test_an_entity_that_another_writer_saved_stops_the_whole_transaction(
    registry: TableRegistry, dynamodb: Any, kept: Kept
) -> None:
    read = in_version(registry, kept, 2)
    registry.commit(kept.changed(read))
    with pytest.raises(StaleError):
        registry.commit(entities.fill("trd_9"), read)
    assert list(items(dynamodb, NAMES.ledger)) == []


@by_name
def test_an_entity_that_another_writer_created_is_not_overwritten(
    registry: TableRegistry, dynamodb: Any, kept: Kept
) -> None:
    registry.commit(kept.changed(kept.entity))
    theirs = stored(dynamodb, kept)
    with pytest.raises(StaleError):
        registry.commit(kept.entity)
    assert stored(dynamodb, kept) == theirs


@by_name
def test_an_entity_that_another_writer_deleted_is_not_brought_back(
    registry: TableRegistry, dynamodb: Any, kept: Kept
) -> None:
    read = in_version(registry, kept, 1)
    dynamodb.delete_item(TableName=kept.table, Key=to_item(kept.key))
    with pytest.raises(StaleError):
        registry.commit(read)
    assert stored(dynamodb, kept) == {}


@pytest.mark.parametrize("model", SEEDED, ids=lambda model: model.__name__)
def test_a_seeded_item_without_a_version_is_changed_by_one_writer(
    registry: TableRegistry, dynamodb: Any, model: type
) -> None:
    kept = KEPT[model]
    seeded = kept.entity.model_dump(exclude={"version"}, exclude_none=True)
    put(dynamodb, kept.table, seeded | kept.key)
    read: Any = SEEDED[model](registry)
    assert read.version == 1
    registry.commit(kept.changed(read))
    theirs = stored(dynamodb, kept)
    with pytest.raises(StaleError):
        registry.commit(read)
    assert stored(dynamodb, kept) == theirs


@pytest.mark.parametrize("entity", CREATED.values(), ids=lambda entity: type(entity).__name__)
def test_an_entity_that_is_created_once_is_not_overwritten(
    registry: TableRegistry, dynamodb: Any, entity: Any
) -> None:
    registry.commit(entity)
    theirs = [*items(dynamodb, NAMES.ledger), *items(dynamodb, NAMES.accounts)]
    with pytest.raises(StaleError):
        registry.commit(entity)
    with pytest.raises(StaleError):
        registry.commit(entity, kept_elsewhere())
    assert [*items(dynamodb, NAMES.ledger), *items(dynamodb, NAMES.accounts)] == theirs


def kept_elsewhere() -> Order:
    """An entity that has nothing to do with the others."""
    return entities.order("ord_9")


@pytest.mark.parametrize("change", DELETED.values(), ids=lambda change: type(change).__name__)
def test_an_item_that_another_writer_deleted_is_not_deleted_again(
    registry: TableRegistry, dynamodb: Any, change: Any
) -> None:
    registry.commit(entities.obligation())
    registry.commit(change)
    with pytest.raises(StaleError):
        registry.commit(change)
    with pytest.raises(StaleError):
        registry.commit(change, kept_elsewhere())
    assert list(items(dynamodb, NAMES.orders)) == []


def leaves(kind: Any) -> Iterator[Any]:
    """The classes in a union, in an annotated union too."""
    arguments = typing.get_args(kind)
    if not arguments:
        yield kind
    for argument in arguments:
        if not hasattr(argument, "discriminator"):
            yield from leaves(argument)


def test_every_kind_of_change_is_in_a_table() -> None:
    (changes,) = (
        hint
        for name, hint in typing.get_type_hints(TableRegistry.commit).items()
        if name == "changes"
    )
    assert set(leaves(changes)) == {*KEPT, *CREATED, *DELETED}
