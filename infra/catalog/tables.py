"""DynamoDB tables and their indexes."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TableSpec:
    """A table's key, and its indexes by name: partition key and sort key.

    All keys are strings. Every index is sparse and projects the keys alone. `rebuilt` says how the
    content comes back when the table is lost. A table without it cannot be rebuilt: it has
    point-in-time recovery, and production backs it up, protects it from deletion and keeps it when
    the stack is deleted. `expires` names the attribute of the time to live. The items of a
    `streamed` table carry events.

    For the documentation: what the table `holds`, its `items` by the form of their key, and what
    each index `lists`.
    """

    key: tuple[str, ...]
    expires: str | None = None
    rebuilt: str = ""
    indexes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    streamed: bool = False
    holds: str = ""
    items: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_kept(self) -> bool:
        """Whether the content is lost for ever with the table."""
        return not self.rebuilt


TABLES = {
    "clients": TableSpec(
        ("client_id",),
        streamed=True,
        holds="Each client's profile, limits and settlement account.",
    ),
    "credentials": TableSpec(
        ("api_key",),
        indexes={"by-client": ("client_id", "api_key")},
        holds=(
            "API keys: the client, scrypt hashes and public keys of the current and the previous "
            "secret, permissions, audience and status."
        ),
        lists={"by-client": "The API keys of a client."},
    ),
    "factors": TableSpec(
        ("holder",),
        holds=(
            "Second factors: the ids of enrolments, which codes were used, and how many were wrong."
        ),
    ),
    "reference": TableSpec(
        ("kind", "id"),
        streamed=True,
        holds="Instruments and exchanges.",
        items={
            "INSTRUMENT / {symbol}": "An instrument.",
            "EXCHANGE / {exchange_id}": "An exchange, and whether its key is accepted.",
        },
    ),
    "accounts": TableSpec(
        ("client_id", "item"),
        indexes={
            "due-by-shard": ("due_shard", "due_order"),
            "obligations-due": ("due_date", "client_id"),
        },
        streamed=True,
        holds="Each client's cash, positions and open obligations.",
        items={
            "{client_id} / CASH": "The cash account. It also names the client's open orders.",
            "{client_id} / POSITION#{symbol}": "A position.",
            "{client_id} / OBLIGATION#{settlement_date}#{symbol}#{trade_id}": (
                "A trade that is cleared and not settled."
            ),
        },
        lists={
            "due-by-shard": (
                "Obligations that are not settled. The partition is a hash of the client id. In it "
                "they are by `{settlement_date}#{client_id}`."
            ),
            "obligations-due": "The same, of releases without shards. Nothing is added to it.",
        },
    ),
    "orders": TableSpec(
        ("order_id", "item"),
        expires="expires_at",
        indexes={
            "attention": ("attention_shard", "attention_at"),
            "review": ("review_shard", "accepted_at"),
            "by-client": ("client_id", "accepted_at"),
        },
        streamed=True,
        holds="Orders with their history and their child orders.",
        items={
            "{order_id} / ORDER": (
                "An order. Each step of its history is a line: time, status, reason."
            ),
            "{order_id} / TOKEN#EXECUTE": "A task token of an earlier release. It expires.",
        },
        lists={
            "attention": "Orders that are not at rest, by the time at which they need attention.",
            "review": "Orders that are flagged for review.",
            "by-client": "All orders of a client.",
        },
    ),
    "ledger": TableSpec(
        ("trade_id", "kind"),
        indexes={"by-client": ("client_id", "moved_at")},
        streamed=True,
        holds=(
            "Immutable, balanced entries. The entries of a trade share its id. There are no "
            "balances of house accounts: they are sums over the entries."
        ),
        items={
            "{trade_id} / FILL": "A trade.",
            "{trade_id} / NOVATION": "The clearing of a trade.",
            "{trade_id} / SETTLEMENT": "The settlement of a trade.",
            "{transfer_id} / DEPOSIT": "A deposit.",
            "{transfer_id} / WITHDRAWAL": "A withdrawal.",
            "{break_id} / BREAK": "A refused report or confirmation, with the evidence.",
        },
        lists={
            "by-client": (
                "Entries that move a client's own cash or shares. `moved_at` is "
                "`{booked_at}#{trade_id}#{kind}`, so that a cursor can name one entry."
            )
        },
    ),
    "events": TableSpec(
        ("client_id", "sequence"),
        expires="expires_at",
        rebuilt="Clients read their accounts anew, and go on with the events after that.",
        holds="The events of each client's account, for seven days.",
        items={"{client_id} / {sequence}": "An event. The sequence has twelve digits."},
    ),
    "connections": TableSpec(
        ("client_id",),
        expires="expires_at",
        rebuilt="Clients notice that nothing comes, and connect again.",
        holds="The clients' open connections to the stream, and how far each has been told.",
    ),
    "proposals": TableSpec(
        ("proposal_id",),
        expires="expires_at",
        indexes={"pending": ("pending", "proposed_at")},
        holds="Changes of operators that need a second person, and what that person decided.",
        lists={"pending": "The proposals that nobody has decided, the oldest first."},
    ),
    "idempotency": TableSpec(
        ("id",),
        expires="expiration",
        rebuilt=(
            "Answers expire. Ids are derived from the key, so a repeated request finds its order."
        ),
        holds="First answers and refusals by Idempotency-Key, as Powertools keeps them.",
    ),
    "control": TableSpec(
        ("name",),
        expires="expires_at",
        rebuilt="Limits and circuits start anew. Executions and the next run write the rest again.",
        holds="State that the services share and that is not part of the books.",
        items={
            "RATE#{api_key}#{hour}": (
                "How many requests an API key sent in the last windows of time, and which of its "
                "tokens have ended."
            ),
            "NONCE#{api_key}#{nonce}": "A nonce that an API key has signed a request with.",
            "LOGIN#{api_key}#{address}": "Failed log-ins with a key from an address.",
            "LOGIN-FROM#{address}": "Failed log-ins from an address, with any key.",
            "CIRCUIT#{exchange_id}": "The circuit breaker of an exchange.",
            "OUTAGE#{exchange_id}": "The cause of an open circuit, and since when it is open.",
            "QUALITY#{exchange_id}": "The execution quality of an exchange.",
            "LAST#{symbol}": "The last price of a symbol. It does not expire.",
            "RECONCILIATION#{time}": "The report of a reconciliation.",
            "SETTLEMENT#OPEN": (
                "The date before which all is settled and compared, and how far the lists of "
                "confirmations since are compared."
            ),
        },
    ),
    "audit": TableSpec(
        ("subject", "at"),
        indexes={"by-month": ("month", "at")},
        holds=(
            "Actions of operators: who, why, and on what. An entry is written before the action "
            "and another one after it."
        ),
        items={
            "client/{client_id} / {time}": "An action on a client.",
            "instrument/{symbol} / {time}": "A halt or a resumption.",
            "order/{order_id} / {time}": "An action on an order.",
            "run/{job} / {time}": "A job that was started by hand.",
            "{dlq}/{message_id} / {time}": "An action on a dead letter.",
        },
        lists={"by-month": "All actions of a month."},
    ),
}
SIMULATOR_TABLES = {
    "exchange-books": TableSpec(
        ("pk", "sk"),
        expires="expires_at",
        rebuilt="It is simulated.",
        holds="The state of the simulated exchanges.",
    ),
    "depository-books": TableSpec(
        ("pk", "sk"), rebuilt="It is simulated.", holds="The state of the simulated depository."
    ),
}

STREAMED = tuple(name for name, spec in TABLES.items() if spec.streamed)
"""The tables whose items carry events."""
