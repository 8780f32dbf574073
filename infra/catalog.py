"""What there is, as tables: DynamoDB tables, mailboxes, secrets, functions with their environment
and permissions, routes.

A function's `grants` map a resource to the actions allowed on it. The actions' service follows from
the resource's kind:

    tables/orders, tables/orders/attention (an index)      dynamodb
    queues/execution, dlqs/execution                       sqs
    secrets/signing-key, secrets/venue-XNYS                secretsmanager
    workflows/order-lifecycle                              states
    executions/order-lifecycle (all of a workflow's)       states
    functions/exchange_matching                            lambda

A transaction needs the permissions of the actions in it; DynamoDB has none of its own for
TransactWriteItems.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

EXCHANGES = ("XNYS", "XNAS", "ARCX", "BATS")
DEPOSITORY = "depository"
SIGNING_KEY = "signing-key"

ORDER_LIFECYCLE = "order-lifecycle"
SETTLEMENT_CYCLE = "settlement-cycle"
SETTLE_CLIENTS = "SettleClients"

SETTLEMENT_CYCLE_AT, SETTLEMENT_CYCLE_AGAIN_AT = (18, 30), (20, 30)
"""Hour and minute in New York, on weekdays. The second makes good the same evening what the first
left, or did not begin.
"""

MARKET_OPENS_AT = (9, 30)
ATTENTION_SHARDS = 4
"""The partitions in which orders that wait for something are listed: at the open, each is swept by
itself.
"""

MAILBOXES = ("execution", "clearing", "settlement")


@dataclass(frozen=True)
class TableSpec:
    """A table and its sparse, keys-only indexes (name → partition and sort key). All keys are
    strings.

    `recoverable`: point-in-time recovery. `ledger`: recoverable, and in production retained and
    protected.
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


@dataclass(frozen=True)
class FunctionSpec:
    """A function: seconds it may take, MB of memory, variables it reads, what it may do.

    `asynchronous`: invoked without anyone waiting, so that what fails in the end goes to a queue.
    """

    timeout: int
    env: tuple[str, ...]
    grants: Mapping[str, str]
    memory: int = 512
    asynchronous: bool = False


_READ = "GetSecretValue"
_ANSWER_TASK = "SendTaskSuccess SendTaskFailure"
_IDEMPOTENCY = "GetItem PutItem UpdateItem DeleteItem"
_EXCHANGE_SECRETS = {f"secrets/venue-{exchange}": _READ for exchange in EXCHANGES}
_DEPOSITORY_SECRET = {f"secrets/venue-{DEPOSITORY}": _READ}

_EXECUTION_GRANTS = {
    "tables/clients": "GetItem",
    "tables/reference": "GetItem Query",
    "tables/accounts": "GetItem PutItem",
    "tables/orders": "GetItem BatchGetItem PutItem UpdateItem",
    "tables/ledger": "GetItem BatchGetItem PutItem",
    "tables/control": "GetItem BatchGetItem PutItem UpdateItem",
    "queues/clearing": "SendMessage",
    f"workflows/{ORDER_LIFECYCLE}": f"StartExecution {_ANSWER_TASK}",
    **_EXCHANGE_SECRETS,
}
_CLEARING_GRANTS = {
    "tables/clients": "GetItem",
    "tables/accounts": "PutItem Query",
    "tables/orders": "GetItem PutItem",
    "tables/ledger": "BatchGetItem PutItem",
}
_SETTLEMENT_GRANTS = {
    "tables/clients": "GetItem",
    "tables/accounts": "GetItem PutItem DeleteItem Query",
    "tables/orders": "GetItem PutItem",
    "tables/ledger": "GetItem BatchGetItem PutItem",
    **_DEPOSITORY_SECRET,
}


def _union(*grants: Mapping[str, str]) -> dict[str, str]:
    """All that any of them allows."""
    resources = dict.fromkeys(resource for each in grants for resource in each)
    return {
        resource: " ".join(
            dict.fromkeys(action for each in grants for action in each.get(resource, "").split())
        )
        for resource in resources
    }


_BOOKS_ENV = ("ACCOUNTS_TABLE", "CLIENTS_TABLE", "LEDGER_TABLE", "ORDERS_TABLE", "REFERENCE_TABLE")
_VENUES_ENV = ("VENUE_SECRET_PREFIX", "VENUES_API_ID", "VENUES_API_STAGE")
_EXECUTION_ENV = (
    *(*_BOOKS_ENV, *_VENUES_ENV, "CONTROL_TABLE", "CLEARING_QUEUE_URL", "ORDER_LIFECYCLE_ARN"),
    *("PUBLIC_API_ID", "PUBLIC_API_STAGE"),
)

SERVICES = {
    "authorizer": FunctionSpec(
        timeout=10,
        env=("SIGNING_KEY_SECRET_ID", "TOKEN_AUDIENCE"),
        grants={f"secrets/{SIGNING_KEY}": _READ},
    ),
    "internal_authorizer": FunctionSpec(
        timeout=10,
        env=("SIGNING_KEY_SECRET_ID", "TOKEN_AUDIENCE"),
        grants={f"secrets/{SIGNING_KEY}": _READ},
    ),
    "auth": FunctionSpec(
        timeout=10,
        memory=1769,  # one whole vCPU: verifying a secret is scrypt
        env=(
            "CREDENTIALS_TABLE",
            "CLIENTS_TABLE",
            "IDEMPOTENCY_TABLE",
            "CONTROL_TABLE",
            "SIGNING_KEY_SECRET_ID",
        ),
        grants={
            "tables/credentials": "GetItem",
            "tables/clients": "GetItem",
            "tables/idempotency": _IDEMPOTENCY,
            "tables/control": "GetItem PutItem UpdateItem DeleteItem",
            f"secrets/{SIGNING_KEY}": _READ,
        },
    ),
    "orders": FunctionSpec(
        timeout=10,
        env=(
            *_BOOKS_ENV,
            "CONTROL_TABLE",
            "EXECUTION_QUEUE_URL",
            "IDEMPOTENCY_TABLE",
            "ORDER_LIFECYCLE_ARN",
        ),
        grants={
            "tables/clients": "GetItem",
            "tables/reference": "GetItem Query",
            "tables/accounts": "GetItem PutItem",
            "tables/orders": "GetItem BatchGetItem PutItem",
            "tables/orders/by-client": "Query",
            "tables/ledger": "BatchGetItem",
            "tables/control": "BatchGetItem UpdateItem",
            "tables/idempotency": _IDEMPOTENCY,
            "queues/execution": "SendMessage",
            f"workflows/{ORDER_LIFECYCLE}": "StartExecution",
        },
    ),
    "accounts": FunctionSpec(
        timeout=10,
        env=(*_BOOKS_ENV, "CONTROL_TABLE"),
        grants={
            "tables/clients": "GetItem",
            "tables/reference": "GetItem",
            "tables/accounts": "GetItem Query",
            "tables/ledger": "BatchGetItem",
            "tables/ledger/by-client": "Query",
            "tables/control": "BatchGetItem UpdateItem",
        },
    ),
    "callbacks": FunctionSpec(
        timeout=10,
        env=("EXECUTION_QUEUE_URL", "VENUE_SECRET_PREFIX", "IDEMPOTENCY_TABLE"),
        grants={
            "queues/execution": "SendMessage",
            "tables/idempotency": _IDEMPOTENCY,
            **_EXCHANGE_SECRETS,
        },
    ),
    "internal": FunctionSpec(
        timeout=25,
        env=(*_BOOKS_ENV, *_VENUES_ENV, "EXECUTION_QUEUE_URL"),
        grants=_union(_CLEARING_GRANTS, _SETTLEMENT_GRANTS, {"queues/execution": "SendMessage"}),
    ),
    "admin": FunctionSpec(
        timeout=15,
        env=(
            *(
                *_BOOKS_ENV,
                "AUDIT_TABLE",
                "CONTROL_TABLE",
                "CREDENTIALS_TABLE",
                "IDEMPOTENCY_TABLE",
            ),
            *("EXECUTION_QUEUE_URL", "ORDER_LIFECYCLE_ARN"),
        ),
        grants={
            "tables/clients": "GetItem PutItem",
            "tables/credentials": "GetItem PutItem",
            "tables/credentials/by-client": "Query",
            "tables/accounts": "GetItem PutItem Query",
            "tables/ledger": "GetItem BatchGetItem PutItem",
            "tables/orders": "GetItem BatchGetItem PutItem",
            "tables/orders/by-client": "Query",
            "tables/control": "BatchGetItem",
            "tables/reference": "GetItem UpdateItem",
            "tables/audit": "GetItem PutItem",
            "tables/idempotency": _IDEMPOTENCY,
            "queues/execution": "SendMessage",
            f"executions/{ORDER_LIFECYCLE}": "DescribeExecution GetExecutionHistory",
        },
    ),
    "execution": FunctionSpec(
        timeout=15,
        env=(*_EXECUTION_ENV, "EXECUTION_QUEUE_URL", "EXECUTION_DLQ_URL"),
        grants=_EXECUTION_GRANTS | {"dlqs/execution": "SendMessage"},
    ),
    "clearing": FunctionSpec(
        timeout=15,
        env=(*_BOOKS_ENV, "CLEARING_QUEUE_URL", "CLEARING_DLQ_URL"),
        grants=_CLEARING_GRANTS
        | {"dlqs/clearing": "SendMessage", f"workflows/{ORDER_LIFECYCLE}": _ANSWER_TASK},
    ),
    "settlement": FunctionSpec(
        timeout=15,
        env=(*_BOOKS_ENV, *_VENUES_ENV, "SETTLEMENT_QUEUE_URL", "SETTLEMENT_DLQ_URL"),
        grants=_SETTLEMENT_GRANTS
        | {
            "queues/settlement": "SendMessage",
            "dlqs/settlement": "SendMessage",
            f"workflows/{SETTLEMENT_CYCLE}": _ANSWER_TASK,
        },
    ),
    "settlement_plan": FunctionSpec(
        timeout=30,
        env=_BOOKS_ENV,
        grants={"tables/accounts/obligations-due": "Query"},
    ),
    "settlement_reconcile": FunctionSpec(
        timeout=300,
        env=(*_BOOKS_ENV, *_VENUES_ENV),
        grants={
            "tables/accounts": "Query",
            "tables/accounts/obligations-due": "Query",
            "tables/ledger": "BatchGetItem PutItem",
            **_DEPOSITORY_SECRET,
        },
    ),
    "sweeper": FunctionSpec(
        timeout=300,
        asynchronous=True,
        env=(*_BOOKS_ENV, "ORDER_LIFECYCLE_ARN", "EXECUTION_QUEUE_URL"),
        grants={
            "tables/orders": "GetItem UpdateItem",
            "tables/orders/attention": "Query",
            "queues/execution": "SendMessage",
            f"workflows/{ORDER_LIFECYCLE}": "StartExecution",
        },
    ),
    "day_close": FunctionSpec(
        timeout=300,
        asynchronous=True,
        env=(*_BOOKS_ENV, "CLEARING_QUEUE_URL", "EXECUTION_QUEUE_URL"),
        grants={
            "tables/orders": "GetItem",
            "tables/orders/attention": "Query",
            "queues/clearing": "SendMessage",
            "queues/execution": "SendMessage",
        },
    ),
    "reconciliation": FunctionSpec(
        timeout=900,
        memory=1769,  # one whole vCPU, which is all that one thread can use
        asynchronous=True,
        env=("ACCOUNTS_TABLE", "CONTROL_TABLE", "LEDGER_TABLE", "ORDERS_TABLE"),
        grants={
            "tables/accounts": "Scan",
            "tables/orders": "Scan",
            "tables/ledger": "Scan",
            "tables/control": "PutItem",
        },
    ),
    "key_rotation": FunctionSpec(
        timeout=30,
        asynchronous=True,
        env=("SIGNING_KEY_SECRET_ID",),
        grants={
            f"secrets/{SIGNING_KEY}": "PutSecretValue",
        },
    ),
}

SIMULATORS = {
    "exchange_api": FunctionSpec(
        timeout=10,
        env=("EXCHANGE_TABLE", "VENUE_SECRET_PREFIX", "MATCHING_FUNCTION_NAME", "SIMULATION_SEED"),
        grants={
            "tables/exchange-books": "GetItem PutItem UpdateItem DeleteItem ConditionCheckItem Query",
            "functions/exchange_matching": "InvokeFunction",
            **_EXCHANGE_SECRETS,
        },
    ),
    "exchange_matching": FunctionSpec(
        timeout=60,
        asynchronous=True,
        env=("EXCHANGE_TABLE", "VENUE_SECRET_PREFIX", "SIMULATION_SEED"),
        grants={
            "tables/exchange-books": "GetItem PutItem UpdateItem DeleteItem ConditionCheckItem Query",
            **_EXCHANGE_SECRETS,
        },
    ),
    "depository_api": FunctionSpec(
        timeout=10,
        env=("DEPOSITORY_TABLE", "VENUE_SECRET_PREFIX", "SIMULATION_SEED"),
        grants={
            "tables/depository-books": "GetItem PutItem UpdateItem DeleteItem ConditionCheckItem Query",
            **_DEPOSITORY_SECRET,
        },
    ),
}
FUNCTIONS = {**SERVICES, **SIMULATORS}


@dataclass(frozen=True)
class Route:
    """One method of one path, and the function that answers. `signed`: authenticated by its HMAC
    signature or its own credentials, in the function; every other route by the API's authorizer.
    """

    method: str
    path: str
    function: str
    signed: bool = False


PUBLIC_ROUTES = (
    Route("POST", "/api/v1/auth/token", "auth", signed=True),
    Route("POST", "/api/v1/orders", "orders"),
    Route("GET", "/api/v1/orders", "orders"),
    Route("DELETE", "/api/v1/orders", "orders"),
    Route("GET", "/api/v1/orders:by_client_order_id", "orders"),
    Route("GET", "/api/v1/orders/{order_id}", "orders"),
    Route("PATCH", "/api/v1/orders/{order_id}", "orders"),
    Route("DELETE", "/api/v1/orders/{order_id}", "orders"),
    Route("GET", "/api/v1/balance", "accounts"),
    Route("GET", "/api/v1/positions", "accounts"),
    Route("GET", "/api/v1/positions/{symbol}", "accounts"),
    Route("GET", "/api/v1/portfolio", "accounts"),
    Route("GET", "/api/v1/trades", "accounts"),
    Route("GET", "/api/v1/trade/balance", "accounts"),
    Route("GET", "/api/v1/trade/portfolio", "accounts"),
    Route("GET", "/api/v1/transaction-history", "orders"),
    Route("POST", "/api/v1/place-trade", "orders"),
    Route("POST", "/api/v1/trade/place", "orders"),
    Route("GET", "/api/v1/trade/{trade_id}", "orders"),
    Route("POST", "/api/v1/trade/{trade_id}/cancel", "orders"),
    Route("GET", "/api/v1/transactions", "accounts"),
    Route("POST", "/api/v1/exchange/callbacks", "callbacks", signed=True),
)
INTERNAL_ROUTES = (
    Route("POST", "/api/v1/execution/{order_id}", "internal"),
    Route("POST", "/api/v1/clearing/{trade_id}", "internal"),
    Route("POST", "/api/v1/settlement/{trade_id}", "internal"),
    Route("POST", "/api/v1/admin/clients", "admin"),
    Route("GET", "/api/v1/admin/clients/{client_id}", "admin"),
    Route("GET", "/api/v1/admin/clients/{client_id}/orders", "admin"),
    Route("GET", "/api/v1/admin/clients/{client_id}/portfolio", "admin"),
    Route("GET", "/api/v1/admin/orders/{order_id}", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/suspension", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/activation", "admin"),
    Route("PUT", "/api/v1/admin/clients/{client_id}/limits", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/secret-rotation", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/deposits", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/withdrawals", "admin"),
    Route("PUT", "/api/v1/admin/instruments/{symbol}/halt", "admin"),
    Route("PUT", "/api/v1/admin/instruments/{symbol}/resume", "admin"),
)
VENUE_ROUTES = (
    Route("POST", "/exchanges/{exchange_id}/orders", "exchange_api", signed=True),
    Route("GET", "/exchanges/{exchange_id}/orders/{client_order_id}", "exchange_api", signed=True),
    Route(
        "DELETE", "/exchanges/{exchange_id}/orders/{client_order_id}", "exchange_api", signed=True
    ),
    Route("GET", "/quotes/{symbol}", "exchange_api", signed=True),
    Route("POST", "/depository/instructions", "depository_api", signed=True),
    Route("GET", "/depository/confirmations", "depository_api", signed=True),
)
