"""Functions: time, memory and environment. `grants` has their permissions."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FunctionSpec:
    """A function: seconds it may take, variables it reads, MB of memory.

    Nobody waits for the answer of an `asynchronous` function. When its last retry fails, the event
    goes to a queue.
    """

    timeout: int
    env: tuple[str, ...]
    memory: int = 512
    asynchronous: bool = False


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
    ),
    "internal_authorizer": FunctionSpec(
        timeout=10,
        env=("SIGNING_KEY_SECRET_ID", "TOKEN_AUDIENCE"),
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
    ),
    "accounts": FunctionSpec(
        timeout=10,
        env=(*_BOOKS_ENV, "CONTROL_TABLE"),
    ),
    "callbacks": FunctionSpec(
        timeout=10,
        env=("EXECUTION_QUEUE_URL", "VENUE_SECRET_PREFIX", "IDEMPOTENCY_TABLE"),
    ),
    "internal": FunctionSpec(
        timeout=25,
        env=(*_BOOKS_ENV, *_VENUES_ENV, "EXECUTION_QUEUE_URL"),
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
    ),
    "execution": FunctionSpec(
        timeout=15,
        env=(*_EXECUTION_ENV, "EXECUTION_QUEUE_URL", "EXECUTION_DLQ_URL"),
    ),
    "clearing": FunctionSpec(
        timeout=15,
        env=(*_BOOKS_ENV, "CLEARING_QUEUE_URL", "CLEARING_DLQ_URL"),
    ),
    "settlement": FunctionSpec(
        timeout=15,
        env=(*_BOOKS_ENV, *_VENUES_ENV, "SETTLEMENT_QUEUE_URL", "SETTLEMENT_DLQ_URL"),
    ),
    "settlement_plan": FunctionSpec(
        timeout=30,
        env=_BOOKS_ENV,
    ),
    "settlement_reconcile": FunctionSpec(
        timeout=300,
        env=(*_BOOKS_ENV, *_VENUES_ENV),
    ),
    "sweeper": FunctionSpec(
        timeout=300,
        asynchronous=True,
        env=(*_BOOKS_ENV, "ORDER_LIFECYCLE_ARN", "EXECUTION_QUEUE_URL"),
    ),
    "day_close": FunctionSpec(
        timeout=300,
        asynchronous=True,
        env=(*_BOOKS_ENV, "CLEARING_QUEUE_URL", "EXECUTION_QUEUE_URL"),
    ),
    "reconciliation": FunctionSpec(
        timeout=900,
        memory=1769,  # one whole vCPU, which is all that one thread can use
        asynchronous=True,
        env=("ACCOUNTS_TABLE", "CONTROL_TABLE", "LEDGER_TABLE", "ORDERS_TABLE"),
    ),
    "key_rotation": FunctionSpec(
        timeout=30,
        asynchronous=True,
        env=("SIGNING_KEY_SECRET_ID",),
    ),
}

SIMULATORS = {
    "exchange_api": FunctionSpec(
        timeout=10,
        env=("EXCHANGE_TABLE", "VENUE_SECRET_PREFIX", "MATCHING_FUNCTION_NAME", "SIMULATION_SEED"),
    ),
    "exchange_matching": FunctionSpec(
        timeout=60,
        asynchronous=True,
        env=("EXCHANGE_TABLE", "VENUE_SECRET_PREFIX", "SIMULATION_SEED"),
    ),
    "depository_api": FunctionSpec(
        timeout=10,
        env=("DEPOSITORY_TABLE", "VENUE_SECRET_PREFIX", "SIMULATION_SEED"),
    ),
}
FUNCTIONS = {**SERVICES, **SIMULATORS}
