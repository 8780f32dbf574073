"""DynamoDB tables and their indexes."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TableSpec:
    """A table's key, and its indexes by name: partition key and sort key.

    All keys are strings. Every index is sparse and projects the keys alone. A `recoverable` table
    has point-in-time recovery. A `ledger` table is recoverable too, and production keeps it when
    the stack is deleted. `expires` names the attribute of the time to live.
    """

    key: tuple[str, ...]
    expires: str | None = None
    ledger: bool = False
    recoverable: bool = False
    indexes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


TABLES = {
    "clients": TableSpec(("client_id",), recoverable=True),
    "credentials": TableSpec(
        ("api_key",), recoverable=True, indexes={"by-client": ("client_id", "api_key")}
    ),
    "reference": TableSpec(("kind", "id"), recoverable=True),
    "accounts": TableSpec(
        ("client_id", "item"), ledger=True, indexes={"obligations-due": ("due_date", "client_id")}
    ),
    "orders": TableSpec(
        ("order_id", "item"),
        ledger=True,
        expires="expires_at",
        indexes={
            "attention": ("attention_shard", "attention_at"),
            "review": ("review_shard", "accepted_at"),
            "by-client": ("client_id", "accepted_at"),
        },
    ),
    "ledger": TableSpec(
        ("trade_id", "kind"), ledger=True, indexes={"by-client": ("client_id", "moved_at")}
    ),
    "idempotency": TableSpec(("id",), expires="expiration"),
    "control": TableSpec(("name",), expires="expires_at"),
    "audit": TableSpec(("subject", "at"), ledger=True, indexes={"by-month": ("month", "at")}),
}
SIMULATOR_TABLES = {
    "exchange-books": TableSpec(("pk", "sk"), expires="expires_at"),
    "depository-books": TableSpec(("pk", "sk")),
}
