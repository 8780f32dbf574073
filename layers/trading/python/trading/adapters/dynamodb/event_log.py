"""The log of the accounts' events: one item an event, under its client and sequence.

The key follows from the event, so an event that comes again changes nothing, and the order in which
events come does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from trading.adapters.dynamodb.event_text import packed, unpacked
from trading.adapters.dynamodb.names import EVENT_ATTRIBUTE
from trading.adapters.dynamodb.transactions import OverloadedError, from_item, to_item
from trading.domain.events import Event
from trading.usecases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_FOR = timedelta(days=7)
DIGITS = 12
BATCH_SIZE = 25
"""DynamoDB takes at most so many items in one request."""

EventKey = tuple[str, int]
"""The client id and the sequence of an event."""


@dataclass(frozen=True)
class Look:
    """Which events are missing in the log, and which clients are connected to the stream."""

    missing: frozenset[EventKey] = frozenset()
    connected: frozenset[str] = frozenset()


class TableEventLog:
    """The port `EventLog`."""

    def __init__(self, client: DynamoDBClient, table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def after(self, client_id: str, sequence: int, limit: int) -> Sequence[Event]:
        """Events with greater sequences, in order. The read is strongly consistent."""
        items = self._query(client_id, "> :sequence", sequence, limit, forward=True)
        return [unpacked(item[EVENT_ATTRIBUTE]) for item in items]

    def before(self, client_id: str, sequence: int) -> int | None:
        """The greatest sequence up to this one that is kept."""
        items = self._query(client_id, "<= :sequence", sequence, 1, forward=False)
        # DynamoDB deletes expired items up to days later, and in any order.
        kept = [each for each in items if each["expires_at"] > self._clock().timestamp()]
        return int(kept[0]["sequence"]) if kept else None

    def _query(
        self, client_id: str, compared: str, sequence: int, limit: int, *, forward: bool
    ) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        start: Any = {}
        while True:
            page = self._client.query(
                TableName=self._table,
                KeyConditionExpression=f"client_id = :client AND #sequence {compared}",
                ExpressionAttributeNames={"#sequence": "sequence"},
                ExpressionAttributeValues=to_item(
                    {":client": client_id, ":sequence": _padded(sequence)}
                ),
                ScanIndexForward=forward,
                ConsistentRead=True,
                Limit=limit - len(found),
                **start,
            )
            found += map(from_item, page["Items"])
            if len(found) >= limit or "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


class WritableEventLog(TableEventLog):
    """The log for its writer, which also looks who is connected, in the table `connections`."""

    def __init__(self, client: DynamoDBClient, table: str, connections: str, clock: Clock) -> None:
        super().__init__(client, table, clock)
        self._connections = connections

    def write(self, events: Iterable[Event]) -> set[EventKey]:
        """Write events of accounts. Returns the keys of those that DynamoDB did not take."""
        items = {_key_of(event): _item(event) for event in events}
        left: set[EventKey] = set()
        keys = list(items)
        for start in range(0, len(keys), BATCH_SIZE):
            batch: Any = [
                {"PutRequest": {"Item": items[key]}} for key in keys[start : start + BATCH_SIZE]
            ]
            answer = self._client.batch_write_item(RequestItems={self._table: batch})
            refused: Any = answer.get("UnprocessedItems", {}).get(self._table, [])
            left |= _keys_of(request["PutRequest"]["Item"] for request in refused)
        return left

    def look(self, keys: Iterable[EventKey], clients: Iterable[str]) -> Look:
        """Which of the events are missing, and which of the clients are connected, by one request.

        Events are read eventually consistent. Connections are read strongly consistent: a client
        that subscribed before has its events pushed.

        `keys` and `clients`: 100 at most in all. Raises OverloadedError.
        """
        wanted = {(client_id, number) for client_id, number in keys if number > 0}
        request: Any = {}
        if wanted:
            request[self._table] = {
                "Keys": [to_item(_key(*key)) for key in sorted(wanted)],
                "ProjectionExpression": "client_id, #sequence",
                "ExpressionAttributeNames": {"#sequence": "sequence"},
            }
        if asked := sorted(clients):
            request[self._connections] = {
                "Keys": [to_item({"client_id": client_id}) for client_id in asked],
                "ProjectionExpression": "client_id, #open",
                "ExpressionAttributeNames": {"#open": "open"},
                "ConsistentRead": True,
            }
        if not request:
            return Look()
        answer = self._client.batch_get_item(RequestItems=request)
        if answer.get("UnprocessedKeys"):
            # What was not read is neither there nor missing.
            raise OverloadedError("the log of events is overloaded", retry_after_seconds=1)
        there, found = (answer["Responses"].get(n, []) for n in (self._table, self._connections))
        return Look(
            missing=frozenset(wanted - _keys_of(there)),
            connected=frozenset(
                item["client_id"] for item in map(from_item, found) if item.get("open")
            ),
        )


def _padded(sequence: int) -> str:
    """A number whose text sorts as the number does."""
    return f"{sequence:0{DIGITS}d}"


def _key_of(event: Event) -> EventKey:
    return event.aggregate.id, event.sequence


def _keys_of(items: Iterable[Mapping[str, Any]]) -> set[EventKey]:
    """The keys of items in DynamoDB's format."""
    return {(item["client_id"], int(item["sequence"])) for item in map(from_item, items)}


def _key(client_id: str, sequence: int) -> dict[str, str]:
    return {"client_id": client_id, "sequence": _padded(sequence)}


def _item(event: Event) -> dict[str, Any]:
    return to_item(
        _key(*_key_of(event))
        | {EVENT_ATTRIBUTE: packed(event), "expires_at": _expires_at(event.time)}
    )


def _expires_at(moment: datetime) -> int:
    return int((moment + KEPT_FOR).timestamp())
