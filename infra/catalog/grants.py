"""What each function may do.

A function's grants map a resource to the actions that its role allows on it. The kind of the
resource tells the service of the actions:

    tables/orders, tables/orders/attention (an index)      dynamodb
    streams/orders (the stream of a table)                  dynamodb
    buses/events                                           events
    queues/execution, dlqs/execution                       sqs
    secrets/venue-XNYS                                     secretsmanager
    keys/clients (those that sign the tokens of clients)   kms
    keys/second-factors (that codes are derived from)      kms
    workflows/order-lifecycle                              states
    logs/order-lifecycle (what a workflow logs)            logs
    functions/exchange_matching                            lambda
    functions/sweeper (itself: a further invocation)       lambda
    sockets/stream (connections of a WebSocket API)        execute-api

A transaction needs the permissions of the actions in it. DynamoDB has no permission of its own for
TransactWriteItems.
"""

from collections.abc import Mapping

from infra.catalog.names import (
    DEPOSITORY,
    EXCHANGES,
    ORDER_LIFECYCLE,
    SIGNING_KEYS,
)
from infra.catalog.tables import STREAMED

_READ = "GetSecretValue"
_CONSUME = "ReceiveMessage DeleteMessage GetQueueAttributes"
"""What an event source mapping does with the role of its function."""
_FOLLOW = "DescribeStream GetRecords GetShardIterator"
_IDEMPOTENCY = "PutItem UpdateItem DeleteItem"
"""A record that stands already comes with the failed condition of PutItem."""
_EXCHANGE_SECRETS = {f"secrets/venue-{exchange}": _READ for exchange in EXCHANGES}
_DEPOSITORY_SECRET = {f"secrets/venue-{DEPOSITORY}": _READ}

_LOG_IN_GRANTS = {
    "tables/audit": "GetItem PutItem",
    "tables/credentials": "GetItem",
    "tables/factors": "GetItem PutItem",
    "keys/second-factors": "GenerateMac",
    "tables/idempotency": _IDEMPOTENCY,
    "tables/control": "BatchGetItem UpdateItem DeleteItem",
}
_EXECUTION_GRANTS = {
    "tables/reference": "GetItem Query",
    "tables/accounts": "GetItem PutItem DeleteItem Query",
    "tables/orders": "GetItem BatchGetItem PutItem UpdateItem",
    "tables/ledger": "GetItem BatchGetItem PutItem",
    "tables/control": "GetItem BatchGetItem PutItem UpdateItem",
    "queues/clearing": "SendMessage",
    f"workflows/{ORDER_LIFECYCLE}": "StartExecution",
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


GRANTS: Mapping[str, Mapping[str, str]] = {
    "authorizer": {"keys/clients": "VerifyMac"},
    "internal_authorizer": {"tables/credentials": "GetItem", "keys/operators": "VerifyMac"},
    "auth": _LOG_IN_GRANTS
    | {"tables/clients": "GetItem UpdateItem", "keys/clients": "GenerateMac"},
    "internal_auth": _LOG_IN_GRANTS | {"keys/operators": "GenerateMac"},
    "orders": {
        "tables/clients": "GetItem",
        "tables/credentials": "GetItem",
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
    "accounts": {
        "tables/clients": "GetItem",
        "tables/reference": "GetItem",
        "tables/accounts": "GetItem Query",
        "tables/ledger": "BatchGetItem",
        "tables/ledger/by-client": "Query",
        "tables/control": "BatchGetItem UpdateItem",
    },
    "event_feed": {
        "tables/accounts": "GetItem",
        "tables/events": "Query",
        "tables/control": "UpdateItem",
    },
    "event_publisher": {
        **{f"streams/{table}": _FOLLOW for table in STREAMED},
        "buses/events": "PutEvents",
        "dlqs/events": "SendMessage",
    },
    "event_log": {
        "tables/events": "BatchGetItem BatchWriteItem Query",
        "tables/connections": "BatchGetItem",
        "queues/events": f"{_CONSUME} SendMessage",
        "functions/push": "InvokeFunction",
    },
    "stream": {
        "tables/accounts": "GetItem",
        "tables/events": "Query",
        "tables/connections": "GetItem PutItem",
        "tables/control": "UpdateItem",
        "queues/events": "SendMessage",
        "functions/push": "InvokeFunction",
    },
    "push": {
        "tables/events": "Query",
        "tables/connections": "GetItem PutItem",
        "tables/control": "BatchGetItem",
        "queues/events": "SendMessage",
        "sockets/stream": "ManageConnections",
        "functions/push": "InvokeFunction",
    },
    "callbacks": {
        "queues/execution": "SendMessage",
        "tables/reference": "GetItem",
        **_EXCHANGE_SECRETS,
    },
    "internal": _union(
        _CLEARING_GRANTS,
        _SETTLEMENT_GRANTS,
        {
            "queues/execution": "SendMessage",
            "tables/audit": "GetItem PutItem",
            "tables/control": "UpdateItem",
            "tables/credentials": "GetItem",
            "tables/idempotency": _IDEMPOTENCY,
            "tables/ledger": "GetItem",
        },
    ),
    "admin": {
        "tables/clients": "GetItem PutItem",
        "tables/credentials": "GetItem PutItem",
        "tables/credentials/by-client": "Query",
        "tables/accounts": "GetItem PutItem Query",
        "tables/ledger": "GetItem BatchGetItem PutItem",
        "tables/orders": "GetItem BatchGetItem PutItem",
        "tables/orders/by-client": "Query",
        "tables/control": "BatchGetItem UpdateItem",
        "tables/reference": "GetItem PutItem",
        "tables/audit": "GetItem PutItem",
        "tables/factors": "GetItem PutItem",
        "keys/second-factors": "GenerateMac",
        "tables/proposals": "BatchGetItem GetItem PutItem",
        "tables/proposals/pending": "Query",
        "tables/idempotency": _IDEMPOTENCY,
        "queues/execution": "SendMessage",
        f"logs/{ORDER_LIFECYCLE}": "FilterLogEvents",
    },
    "execution": _EXECUTION_GRANTS
    | {
        "queues/execution": f"{_CONSUME} ChangeMessageVisibility",
        "dlqs/execution": "SendMessage",
    },
    "clearing": _CLEARING_GRANTS
    | {
        "queues/clearing": f"{_CONSUME} ChangeMessageVisibility",
        "dlqs/clearing": "SendMessage",
    },
    "settlement": _SETTLEMENT_GRANTS
    | {
        "queues/settlement": f"{_CONSUME} ChangeMessageVisibility SendMessage",
        "dlqs/settlement": "SendMessage",
    },
    "settlement_plan": {
        "tables/accounts/due-by-shard": "Query",
        "tables/accounts/obligations-due": "Query",
        "queues/settlement": "SendMessage",
    },
    "settlement_reconcile": {
        "tables/accounts": "Query",
        "tables/accounts/due-by-shard": "Query",
        "tables/accounts/obligations-due": "Query",
        "tables/control": "GetItem PutItem",
        "tables/ledger": "BatchGetItem PutItem",
        **_DEPOSITORY_SECRET,
    },
    "sweeper": {
        "tables/orders": "GetItem UpdateItem",
        "tables/orders/attention": "Query",
        "queues/execution": "SendMessage",
        f"workflows/{ORDER_LIFECYCLE}": "StartExecution",
        "functions/sweeper": "InvokeFunction",
    },
    "day_close": {
        "tables/orders": "GetItem BatchGetItem",
        "tables/orders/attention": "Query",
        "queues/clearing": "SendMessage",
        "queues/execution": "SendMessage",
        "functions/day_close": "InvokeFunction",
    },
    "reconciliation": {
        "tables/accounts": "Scan",
        "tables/orders": "Scan",
        "tables/ledger": "Scan",
        "tables/control": "PutItem",
    },
    "exchange_api": {
        "tables/exchange-books": "GetItem PutItem Query",
        "functions/exchange_matching": "InvokeFunction",
        **_EXCHANGE_SECRETS,
    },
    "exchange_matching": {
        "tables/exchange-books": "GetItem PutItem UpdateItem DeleteItem Query",
        **_EXCHANGE_SECRETS,
    },
    "depository_api": {
        "tables/depository-books": "GetItem PutItem UpdateItem Query",
        **_DEPOSITORY_SECRET,
    },
}


ATTRIBUTES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "auth": {
        "tables/clients": (
            "client_id",
            "event",
            "second_factor_above",
            "second_factor_to_withdraw",
            "version",
        )
    },
}
"""The attributes that the updates of a function may touch, where it may not touch all of them. A
log-in may change what needs a second factor, and neither limits nor status.
"""


def token_audience(function: str) -> str:
    """The audience whose tokens the function signs or verifies. Empty if it does neither."""
    granted = GRANTS[function]
    return next((SIGNING_KEYS[name] for name in SIGNING_KEYS if f"keys/{name}" in granted), "")
