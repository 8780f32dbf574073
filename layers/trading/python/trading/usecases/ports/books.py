"""The tables: one small protocol for each group of users. A use case names those that it uses.

Reads are strongly consistent unless the protocol says otherwise.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.ledger import EntryKind, Fill, LedgerEntry
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation
from trading.domain.reference.instruments import Exchange, Instrument
from trading.usecases.ports.changes import Change


class SortKey(NamedTuple):
    """The position of an order in the list of its client's orders."""

    accepted_at: datetime
    order_id: str


class EntryKey(NamedTuple):
    """A ledger entry, and its position in the list of its client's entries."""

    sort_key: str
    trade_id: str
    kind: EntryKind


class ReferenceData(Protocol):
    """Instruments and exchanges, up to ten seconds old."""

    def instrument(self, symbol: str) -> Instrument | None: ...
    def exchanges(self) -> Sequence[Exchange]: ...


class ClientProfiles(Protocol):
    """Clients' profiles, up to ten seconds old."""

    def client(self, client_id: str) -> Client | None: ...


class Accounts(Protocol):
    """Clients' cash and positions. What was never written is answered as empty, with version 0."""

    def account(self, client_id: str) -> Account: ...
    def position(self, client_id: str, symbol: str) -> Position: ...


class PositionLists(Protocol):
    """All positions of a client, by symbol."""

    def positions(
        self, client_id: str, after: str | None = None, page_size: int | None = None
    ) -> Iterable[Position]: ...


class Orders(Protocol):
    """Orders by their ids. Unknown ids are left out of a list."""

    def order(self, order_id: str) -> Order | None: ...
    def orders(self, order_ids: Iterable[str]) -> Sequence[Order]: ...


class OrderIndex(Protocol):
    """Clients' orders by the time of acceptance. The index follows the orders after moments."""

    def orders_of(
        self, client_id: str, first: datetime, last: datetime, after: SortKey | None, limit: int
    ) -> tuple[Sequence[SortKey], bool]: ...


class Ledger(Protocol):
    """The entries of the ledger, by trade."""

    def fill(self, trade_id: str) -> Fill | None: ...
    def entries(self, trade_ids: Iterable[str]) -> Sequence[LedgerEntry]: ...


class LedgerIndex(Protocol):
    """Clients' entries by the time of booking. The index follows the ledger after moments."""

    def movements(
        self, client_id: str, first: str, last: str, limit: int
    ) -> tuple[Sequence[EntryKey], bool]: ...
    def entries_at(self, keys: Iterable[tuple[str, EntryKind]]) -> Sequence[LedgerEntry]:
        """Entries by trade id and kind, strongly consistent."""
        ...


class Obligations(Protocol):
    """What clients owe and are owed at the CCP."""

    def obligations(self, client_id: str, up_to: date) -> Sequence[Obligation]: ...
    def obligations_in(
        self, client_id: str, settlement_date: date, symbol: str
    ) -> Sequence[Obligation]: ...


class ObligationIndex(Protocol):
    """Who has obligations due. The index follows the obligations after moments."""

    def clients_due(
        self, first: date, last: date, after: str | None, limit: int
    ) -> tuple[Sequence[str], str | None]:
        """A page of the clients with obligations due on these dates or between, and where it ended.
        The end is None if the page is the last one.
        """
        ...

    def due_since(self, first: date, last: date) -> date | None:
        """The oldest of these dates, or between, on which something is due. None: nothing is."""
        ...

    def number_due(self, first: date, last: date) -> int:
        """How many obligations are due on these dates or between."""
        ...


class AttentionIndex(Protocol):
    """Orders that want attention. The index follows the orders after moments."""

    def orders_due(self, now: datetime, limit: int, shard: str | None = None) -> Sequence[str]: ...
    def attention_shards(self) -> Sequence[str]:
        """The parts of the index. Each order is in one of them."""
        ...

    def orders_in(
        self, shard: str, after: str | None, limit: int
    ) -> tuple[Sequence[str], str | None]:
        """The orders of a shard that want attention now or later, page by page. The second value is
        where the page ended. It is None if the page is the last one.
        """
        ...

    def postpone(self, order: Order, until: datetime) -> None:
        """Look at the order again later. An order that has moved on stays as it is."""
        ...


class UnitOfWork(Protocol):
    """One transaction."""

    def commit(self, *changes: Change) -> None:
        """Write all or nothing. Raises StaleError if a condition failed."""
        ...
