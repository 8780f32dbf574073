"""The books in memory. Their conditions are those of the tables."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

from tests.fakes.faults import Faults, faulty
from trading.adapters.dynamodb.keys import attention_shard, attention_shards
from trading.domain.accounts.cash import Account
from trading.domain.accounts.movements import is_listed, sort_key_of
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.ledger import Entry, Fill, LedgerEntry
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation
from trading.domain.reconciliation.snapshot import Snapshot
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import Versioned
from trading.usecases.orders import list_orders
from trading.usecases.ports import Change, Discharged, EntryKey, SortKey, StaleError

ITEMS_PER_TRANSACTION = 100
KINDS = ("FILL", "REVERSAL", "NOVATION", "SETTLEMENT", "BREAK")

Stored = Order | Account | Position | Obligation | Entry
Key = tuple[str, ...]


class MemoryBooks:
    """All ports of `trading.usecases.ports.books`, in memory. A versioned entity is saved only over
    the version that was read. Every other entity is created once.
    """

    port = "books"

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.clients: dict[str, Client] = {}
        self.instruments: dict[str, Instrument] = {}
        self.venues: list[Exchange] = []
        self.items: dict[Key, Stored] = {}

    @faulty
    def client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    @faulty
    def instrument(self, symbol: str) -> Instrument | None:
        return self.instruments.get(symbol)

    @faulty
    def exchanges(self) -> Sequence[Exchange]:
        return tuple(self.venues)

    @faulty
    def account(self, client_id: str) -> Account:
        found = self.items.get(("account", client_id))
        return found if isinstance(found, Account) else Account(client_id=client_id)

    @faulty
    def position(self, client_id: str, symbol: str) -> Position:
        found = self.items.get(("position", client_id, symbol))
        return (
            found if isinstance(found, Position) else Position(client_id=client_id, symbol=symbol)
        )

    @faulty
    def positions(
        self, client_id: str, after: str | None = None, page_size: int | None = None
    ) -> Iterator[Position]:
        found = [
            p for p in self.items.values() if isinstance(p, Position) and p.client_id == client_id
        ]
        return iter(sorted((p for p in found if p.symbol > (after or "")), key=lambda p: p.symbol))

    @faulty
    def order(self, order_id: str) -> Order | None:
        if not order_id:
            raise ValueError("a table refuses an empty key")
        found = self.items.get(("order", order_id))
        return found if isinstance(found, Order) else None

    @faulty
    def orders(self, order_ids: Iterable[str]) -> Sequence[Order]:
        found = [self.items.get(("order", order_id)) for order_id in dict.fromkeys(order_ids)]
        return [order for order in found if isinstance(order, Order)]

    @faulty
    def orders_of(
        self, client_id: str, first: datetime, last: datetime, after: SortKey | None, limit: int
    ) -> tuple[Sequence[SortKey], bool]:
        mine = [
            o
            for o in self.all_orders()
            if o.client_id == client_id and first <= o.accepted_at <= last
        ]
        keys = sorted(
            (key for key in map(list_orders.sort_key_of, mine) if after is None or key < after),
            reverse=True,
        )
        return keys[:limit], len(keys) >= limit

    @faulty
    def fill(self, trade_id: str) -> Fill | None:
        found = self.items.get(("ledger", trade_id, "FILL"))
        return found if isinstance(found, Fill) else None

    @faulty
    def entries(self, trade_ids: Iterable[str]) -> Sequence[LedgerEntry]:
        return self._entries_at((trade_id, kind) for trade_id in trade_ids for kind in KINDS)

    @faulty
    def entries_at(self, keys: Iterable[tuple[str, str]]) -> Sequence[LedgerEntry]:
        return self._entries_at(keys)

    @faulty
    def movements(
        self, client_id: str, first: str, last: str, limit: int
    ) -> tuple[Sequence[EntryKey], bool]:
        mine = [
            entry for entry in self.ledger() if entry.client_id == client_id and is_listed(entry)
        ]
        keys = sorted((EntryKey(sort_key_of(e), e.trade_id, e.kind) for e in mine), reverse=True)
        keys = [key for key in keys if first <= key.sort_key <= last]
        return keys[:limit], len(keys) >= limit

    @faulty
    def obligations(self, client_id: str, up_to: date) -> Sequence[Obligation]:
        return [
            o
            for o in self._obligations()
            if o.client_id == client_id and o.settlement_date <= up_to
        ]

    @faulty
    def obligations_in(
        self, client_id: str, settlement_date: date, symbol: str
    ) -> Sequence[Obligation]:
        wanted = (client_id, settlement_date, symbol)
        return [
            o for o in self._obligations() if (o.client_id, o.settlement_date, o.symbol) == wanted
        ]

    @faulty
    def clients_due(
        self, first: date, last: date, after: str | None, limit: int
    ) -> tuple[Sequence[str], str | None]:
        listed = [
            (f"{o.settlement_date}#{o.client_id}", o.client_id)
            for o in self._obligations()
            if first <= o.settlement_date <= last
        ]
        found: dict[str, None] = {}
        end = after
        for position, client_id in sorted(set(listed)):
            if position <= (after or ""):
                continue
            if client_id not in found and len(found) == limit:
                return list(found), end
            found[client_id] = None
            end = position
        return list(found), None

    @faulty
    def due_since(self, first: date, last: date) -> date | None:
        dates = [o.settlement_date for o in self._obligations()]
        return min((day for day in dates if first <= day <= last), default=None)

    @faulty
    def number_due(self, first: date, last: date) -> int:
        return sum(1 for o in self._obligations() if first <= o.settlement_date <= last)

    @faulty
    def orders_due(self, now: datetime, limit: int, shard: str | None = None) -> Sequence[str]:
        due = [
            order
            for order in self.all_orders()
            if order.attention_at
            and order.attention_at <= now
            and shard in (None, attention_shard(order.order_id))
        ]
        return [order.order_id for order in sorted(due, key=lambda o: str(o.attention_at))][:limit]

    @faulty
    def attention_shards(self) -> Sequence[str]:
        return attention_shards()

    @faulty
    def orders_in(
        self, shard: str, after: str | None, limit: int
    ) -> tuple[Sequence[str], str | None]:
        listed = sorted(
            (f"{order.attention_at}#{order.order_id}", order.order_id)
            for order in self.all_orders()
            if order.attention_at and attention_shard(order.order_id) == shard
        )
        left = [each for each in listed if each[0] > (after or "")]
        page = left[:limit]
        return [order_id for _, order_id in page], page[-1][0] if len(left) > limit else None

    @faulty
    def postpone(self, order: Order, until: datetime) -> None:
        stored = self.items[_key(order)]
        if isinstance(stored, Order) and stored.version == order.version:
            self.items[_key(order)] = stored.model_copy(update={"attention_at": until})

    @faulty
    def commit(self, *changes: Change) -> None:
        self.write(*changes)

    def write(self, *changes: Change) -> None:
        """Commit as another writer would: without a fault and without being counted."""
        keys = [_key(change) for change in changes]
        if not 0 < len(keys) <= ITEMS_PER_TRANSACTION or len(set(keys)) < len(keys):
            raise ValueError("a transaction takes 1 to 100 items, none of them twice")
        for key, change in zip(keys, changes, strict=True):
            stored = self.items.get(key)
            current = stored.version if isinstance(stored, Versioned) else (stored and 1) or 0
            expected = 1 if isinstance(change, Discharged) else getattr(change, "version", 0)
            if current != expected:
                raise StaleError
        for key, change in zip(keys, changes, strict=True):
            if isinstance(change, Discharged):
                del self.items[key]
            else:
                self.items[key] = change.saved() if isinstance(change, Versioned) else change

    def all_orders(self) -> list[Order]:
        return [item for item in self.items.values() if isinstance(item, Order)]

    def ledger(self) -> list[LedgerEntry]:
        return [item for item in self.items.values() if isinstance(item, Entry)]  # type: ignore[misc]

    def snapshot(self, expect_final: bool = False) -> Snapshot:
        """The input of the reconciliation."""
        return Snapshot(
            accounts=tuple(item for item in self.items.values() if isinstance(item, Account)),
            positions=tuple(item for item in self.items.values() if isinstance(item, Position)),
            orders=tuple(self.all_orders()),
            entries=tuple(self.ledger()),
            obligations=tuple(self._obligations()),
            expect_final=expect_final,
        )

    def _entries_at(self, keys: Iterable[tuple[str, str]]) -> Sequence[LedgerEntry]:
        wanted = [("ledger", *key) for key in dict.fromkeys(keys)]
        return [self.items[key] for key in wanted if key in self.items]  # type: ignore[misc]

    def _obligations(self) -> list[Obligation]:
        found = [item for item in self.items.values() if isinstance(item, Obligation)]
        return sorted(found, key=lambda o: (o.settlement_date, o.symbol, o.trade_id))


def _key(change: Change) -> Key:
    match change:
        case Order():
            return ("order", change.order_id)
        case Account():
            return ("account", change.client_id)
        case Position():
            return ("position", change.client_id, change.symbol)
        case Discharged(obligation=owed) | (Obligation() as owed):
            return (
                "obligation",
                owed.client_id,
                owed.settlement_date.isoformat(),
                owed.symbol,
                owed.trade_id,
            )
        case _:
            return ("ledger", change.trade_id, change.kind)
