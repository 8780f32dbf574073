"""Each call of a function has its grant, and each grant its call.

The simulation itself refuses a call without a grant. Here, runs are played until every grant was
needed, but for those with a reason.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from infra.catalog.functions import SERVICES
from infra.catalog.grants import GRANTS
from infra.catalog.names import MAILBOXES
from infra.catalog.tables import STREAMED
from tests.simulation.campaign import in_process, pool
from tests.simulation.generation import generate
from tests.simulation.permissions import Permissions, Use
from tests.simulation.services.errors import ServiceError

MOST_SEEDS = 40
ORDERS = 50

_OPERATORS_LOOK = "the simulation's operators do not look that up; tests/integration does"
_OPERATORS_CHANGE = "the simulation's operators change limits and halts only"
_WRONG_LOG_IN = "the simulation's clients know their secrets; tests/integration/api has others"
_REFUSED = "a request under an idempotency key that is refused after all takes the key back"
_GIVEN_UP = "a message is given up only after faults that few runs have"
_MAPPING = "Lambda's event source mapping calls it with this role"
_READERS = {box: box for box in MAILBOXES} | {"events": "event_log"}
UNPLAYED: dict[tuple[str, str, str], str] = {
    **{
        (reader, f"queues/{queue}", action): _MAPPING
        for queue, reader in _READERS.items()
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    },
    **{
        ("event_publisher", f"streams/{table}", action): _MAPPING
        for table in STREAMED
        for action in ("DescribeStream", "GetRecords", "GetShardIterator")
    },
    ("event_publisher", "dlqs/events", "SendMessage"): "every record of a run can be read",
    ("event_log", "tables/events", "Query"): "an event that does not come within four minutes",
    ("push", "functions/push", "InvokeFunction"): "more events than one push sends in its time",
    **{(box, f"dlqs/{box}", "SendMessage"): _GIVEN_UP for box in MAILBOXES},
    ("admin", "logs/order-lifecycle", "FilterLogEvents"): _OPERATORS_LOOK,
    ("admin", "queues/execution", "SendMessage"): _OPERATORS_CHANGE,
    ("admin", "tables/accounts", "Query"): _OPERATORS_LOOK,
    **{
        (name, "tables/audit", "GetItem"): "an entry whose first write was not answered"
        for name in ("admin", "auth", "internal", "internal_auth")
    },
    ("admin", "tables/control", "BatchGetItem"): _OPERATORS_LOOK,
    ("admin", "tables/credentials", "GetItem"): _OPERATORS_CHANGE,
    ("admin", "tables/credentials", "PutItem"): _OPERATORS_CHANGE,
    ("admin", "tables/credentials/by-client", "Query"): _OPERATORS_LOOK,
    ("admin", "tables/idempotency", "DeleteItem"): _REFUSED,
    ("admin", "tables/ledger", "BatchGetItem"): _OPERATORS_LOOK,
    ("admin", "tables/orders", "BatchGetItem"): _OPERATORS_LOOK,
    ("admin", "tables/orders", "GetItem"): _OPERATORS_LOOK,
    ("admin", "tables/orders", "PutItem"): _OPERATORS_CHANGE,
    ("admin", "tables/orders/by-client", "Query"): _OPERATORS_LOOK,
    **{(door, "tables/control", "DeleteItem"): _WRONG_LOG_IN for door in ("auth", "internal_auth")},
    **{(door, "tables/idempotency", "DeleteItem"): _REFUSED for door in ("auth", "internal_auth")},
    ("orders", "tables/idempotency", "DeleteItem"): _REFUSED,
    ("execution", "tables/orders", "BatchGetItem"): "an order that overtakes many, after an outage",
    ("settlement", "tables/ledger", "GetItem"): "an obligation whose entry is not listed",
    ("settlement_reconcile", "tables/ledger", "PutItem"): "the depository confirms something else",
}
"""Grants that runs need rarely or never, each with its reason."""


@pytest.fixture(scope="module")
def process() -> Iterator[ProcessPoolExecutor]:
    with pool(1) as processes:
        yield processes


def _used(seed: int) -> set[Use]:
    return in_process(generate(seed, ORDERS)).permissions


GRANTED = {
    Use(function, resource, action)
    for function in SERVICES
    for resource, actions in GRANTS[function].items()
    for action in actions.split()
}


def test_a_reason_belongs_to_a_grant() -> None:
    assert {Use(*each) for each in UNPLAYED} <= GRANTED


def test_each_grant_has_its_call(process: ProcessPoolExecutor) -> None:
    unused = GRANTED - {Use(*each) for each in UNPLAYED}
    for seed in range(1, MOST_SEEDS + 1):
        unused -= process.submit(_used, seed).result()
        if not unused:
            break
    assert unused == set(), "remove these grants, or say in UNPLAYED why no run needs them"


def test_a_call_without_its_grant_is_refused_and_kept() -> None:
    permissions = Permissions({"execution": "url"}, {})
    permissions.check("orders/1 key", "SendMessage", {"QueueUrl": "url"})
    permissions.check("somebody else", "Scan", {"TableName": "sim-orders"})
    assert permissions.used == {Use("orders", "queues/execution", "SendMessage")}
    with pytest.raises(ServiceError, match="may not Scan on tables/orders"):
        permissions.check("orders/1 key", "Scan", {"TableName": "sim-orders"})
    written = {"TransactItems": [{"Delete": {"TableName": "sim-orders"}}]}
    with pytest.raises(ServiceError, match="may not DeleteItem"):
        permissions.check("orders/1 key", "TransactWriteItems", written)
    assert permissions.denied == [
        Use("orders", "tables/orders", "Scan"),
        Use("orders", "tables/orders", "DeleteItem"),
    ]
