"""The open connections of each client. They are one item, so one read shows whether the client has
any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading.adapters.dynamodb.entity_writes import Location, put_of
from trading.adapters.dynamodb.reads import TableReads
from trading.adapters.dynamodb.transactions import commit
from trading.domain.connections import KEPT_AFTER, Connections
from trading.usecases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableConnections:
    """The port `ConnectionTable`.

    An item without connections stays for a while. If it were deleted at once, the next one would
    begin at the first version again. A slow push could then mistake it for the item that it read.
    """

    def __init__(self, client: DynamoDBClient, table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def of(self, client_id: str) -> Connections:
        found = TableReads(self._client).get(self._table, {"client_id": client_id}, Connections)
        return found or Connections(client_id=client_id)

    def commit(self, connections: Connections) -> None:
        kept_until = (connections.in_use_until or self._clock()) + KEPT_AFTER
        location = Location(
            self._table,
            {"client_id": connections.client_id},
            {"expires_at": int(kept_until.timestamp())},
        )
        commit(self._client, [put_of(connections, location)])
