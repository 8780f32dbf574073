"""Events, and the items and stream records that carry them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.fakes.builders import NOW
from trading.adapters.dynamodb.entity_writes import write_of
from trading.adapters.dynamodb.names import TableNames
from trading.adapters.dynamodb.outbox import with_event
from trading.domain.accounts.cash import Account
from trading.domain.event_data import EntryState
from trading.domain.events import Event, event_of
from trading.domain.ledger import EntryKind
from trading.usecases.ports import Change

TABLES = TableNames("accounts", "clients", "ledger", "orders", "reference")
Image = Mapping[str, Any]


def make_event(
    sequence: int, client_id: str = "alice", time: datetime = NOW, size: int = 0
) -> Event:
    """An event of an account. `size`: at least so many bytes of data."""
    entry = EntryState(trade_id="x" * size, kind=EntryKind.DEPOSIT)
    event = event_of([Account(client_id=client_id, version=sequence - 1)], time)
    assert event is not None
    return event.but(data=event.data.but(entries=(entry,) if size else (), balance=None), topics=())


def images(*changes: Change, now: datetime = NOW) -> list[Image]:
    """The items that a transaction puts, in DynamoDB's format."""
    writes = with_event(changes, [write_of(change, TABLES) for change in changes], now)
    return [write.item for write in writes if write.item is not None]


def record(after: Image | None, before: Image | None = None) -> dict[str, Any]:
    """A record of a stream."""
    named = after or before or {}
    change: dict[str, Any] = {
        "Keys": {name: named[name] for name in ("client_id", "item") if name in named},
        "SequenceNumber": "100",
    }
    change |= {"NewImage": after} if after is not None else {}
    change |= {"OldImage": before} if before is not None else {}
    name = "REMOVE" if after is None else "INSERT" if before is None else "MODIFY"
    return {"eventName": name, "eventSourceARN": "stream", "dynamodb": change}


class MemoryEventLog:
    """The port `EventLog`, in memory."""

    def __init__(self, *events: Event) -> None:
        self.events = {(event.aggregate.id, event.sequence): event for event in events}

    def add(self, *events: Event) -> None:
        self.events |= {(event.aggregate.id, event.sequence): event for event in events}

    def after(self, client_id: str, sequence: int, limit: int) -> Sequence[Event]:
        found = [
            event
            for (owner, number), event in sorted(self.events.items())
            if owner == client_id and number > sequence
        ]
        return found[:limit]

    def before(self, client_id: str, sequence: int) -> int | None:
        kept = [n for owner, n in self.events if owner == client_id and n <= sequence]
        return max(kept, default=None)


class FakeSqs:
    """SQS as far as messages are sent. `refuses`: how a call fails."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.refuses = refuses

    def send_message(self, **message: Any) -> dict[str, Any]:
        if self.refuses:
            raise self.refuses
        self.sent.append(message)
        return {"MessageId": str(len(self.sent))}


class FakeEventBridge:
    """EventBridge as far as events are put. `conduct` answers the codes of refused entries, by
    their index, or raises.
    """

    def __init__(self, conduct: Callable[[int, Sequence[Any]], Mapping[int, str]]) -> None:
        self.conduct = conduct
        self.requests: list[list[dict[str, Any]]] = []
        self.taken: list[str] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.requests.append(Entries)
        refused = self.conduct(len(self.requests), Entries)
        self.taken += [e["Detail"] for n, e in enumerate(Entries) if n not in refused]
        return {
            "FailedEntryCount": len(refused),
            "Entries": [
                {"ErrorCode": refused[number]} if number in refused else {"EventId": str(number)}
                for number in range(len(Entries))
            ],
        }
