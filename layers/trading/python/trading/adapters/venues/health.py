"""How the exchanges are doing: execution quality and open circuits, shared through the control
table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.dynamodb.transactions import Write, commit, from_item, to_item
from trading.adapters.runtime.observability import count, logger
from trading.adapters.venues.exchanges import RECOVERY_SECONDS, circuit_name
from trading.domain.orders.routing import ExecutionQuality
from trading.domain.reference.instruments import Exchange
from trading.metrics import Metric
from trading.usecases.ports import Clock, StaleError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CACHE_SECONDS = 1.0
FLUSH_SECONDS = 5.0


class TableVenueHealth:
    """The port `VenueHealth`.

    A worker gathers observations and writes them at most every five seconds, so an order costs no
    write for them. If a worker dies, a few seconds of statistics are lost, which the ranking
    tolerates.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        exchanges: Callable[[], Sequence[Exchange]],
        clock: Clock,
    ) -> None:
        self._client = client
        self._table = table
        self._exchanges = exchanges
        self._clock = clock
        self._read_at = float("-inf")
        self._quality: dict[str, ExecutionQuality] = {}
        self._suspended: frozenset[str] = frozenset()
        self._observed: list[tuple[str, Decimal]] = []
        self._flushed_at = self._now()

    def scores(self) -> dict[str, Decimal]:
        """The quality of each exchange so far, between 0 and 1."""
        self._refresh()
        return {exchange_id: quality.score for exchange_id, quality in self._quality.items()}

    def suspended(self) -> frozenset[str]:
        """The exchanges whose circuit is open and not yet due for a probe."""
        self._refresh()
        return self._suspended

    def observe(self, exchange_id: str, outcome: Decimal) -> None:
        """Count how well a child order was executed: the share of it that was filled."""
        self._observed.append((exchange_id, outcome))
        if self._now() - self._flushed_at >= FLUSH_SECONDS:
            self._flush()

    def _now(self) -> float:
        return self._clock().timestamp()

    def _refresh(self) -> None:
        if self._now() - self._read_at < CACHE_SECONDS:
            return
        self._read_at = self._now()
        ids = [exchange.exchange_id for exchange in self._exchanges()]
        try:
            items = self._read(ids)
        except (ClientError, BotoCoreError):
            logger.warning("venue health not refreshed", exc_info=True)
            count(Metric.VENUE_HEALTH_UNAVAILABLE)
            return
        probe_before = self._now() - RECOVERY_SECONDS
        self._quality = {
            e: ExecutionQuality.model_validate(
                {k: v for k, v in items[quality_name(e)].items() if k != "name"}
            )
            if quality_name(e) in items
            else ExecutionQuality(exchange_id=e)
            for e in ids
        }
        circuits = {e: items.get(circuit_name(e), {}) for e in ids}
        self._suspended = frozenset(
            e
            for e, c in circuits.items()
            if c.get("state") == "OPEN" and c.get("opened_at", 0) > probe_before
        )

    def _read(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        names = [name(e) for e in ids for name in (quality_name, circuit_name)]
        request: Any = {self._table: {"Keys": [to_item({"name": name}) for name in names]}}
        answer = self._client.batch_get_item(RequestItems=request)
        if answer.get("UnprocessedKeys"):
            count(Metric.VENUE_HEALTH_INCOMPLETE)
        return {
            item["name"]: item for item in map(from_item, answer["Responses"].get(self._table, []))
        }

    def _flush(self) -> None:
        observed, self._observed = self._observed, []
        self._flushed_at = self._now()
        self._read_at = float("-inf")
        self._refresh()
        for exchange_id in dict.fromkeys(e for e, _ in observed):
            quality = before = self._quality.get(
                exchange_id, ExecutionQuality(exchange_id=exchange_id)
            )
            for observed_id, outcome in observed:
                if observed_id == exchange_id:
                    quality = quality.observed(outcome, self._clock())
            item = to_item(
                quality.model_dump()
                | {"name": quality_name(exchange_id), "version": before.version + 1}
            )
            condition, values = "attribute_not_exists(version)", None
            if before.version:
                condition, values = "version = :version", to_item({":version": before.version})
            try:
                commit(self._client, [Write(self._table, condition, item, values=values)])
            except (StaleError, ClientError, BotoCoreError):
                count(Metric.QUALITY_UPDATES_LOST, exchange_id=exchange_id)


def quality_name(exchange_id: str) -> str:
    """The item of an exchange's quality in the control table."""
    return f"QUALITY#{exchange_id}"
