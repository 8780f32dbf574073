"""DynamoDB in memory: conditions, transactions, indexes, pages and stale reads.

They behave as AWS documents them:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from tests.simulation.services.dynamodb_queries import Query, Scan
from tests.simulation.services.dynamodb_requests import (
    DELETE,
    NOTHING,
    PROJECTED,
    PUT,
    UPDATE,
    Write,
    Written,
    compiled_projection,
    environment,
    plan_check,
    plan_delete,
    plan_put,
    plan_update,
    refuse_unknown,
)
from tests.simulation.services.dynamodb_tables import HISTORY_SECONDS, Key, Table, View
from tests.simulation.services.dynamodb_values import Item, invalid, number
from tests.simulation.services.errors import ServiceError

MAX_TRANSACTION_ITEMS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
MAX_BATCH_READS = 100
MAX_BATCH_READ_BYTES = 16 * 1024 * 1024
MAX_BATCH_WRITES = 25
TOKEN_SECONDS = 600.0

_RETURNING = {"ReturnValues"}
_GET = PROJECTED | {"TableName", "Key"}
_GET_ITEM = _GET | {"ConsistentRead"}
_GET_KEYS = PROJECTED | {"Keys", "ConsistentRead"}
_OF_TRANSACTION: dict[str, tuple[Callable[[Table, Mapping[str, Any]], Write], frozenset[str]]] = {
    "Put": (plan_put, PUT),
    "Update": (plan_update, UPDATE),
    "Delete": (plan_delete, DELETE),
    "ConditionCheck": (plan_check, DELETE),
}


class Change(NamedTuple):
    """A change of an item. Before its creation and after its deletion the item is None."""

    table: str
    key: Key
    before: Item | None
    after: Item | None


class DynamoDB:
    """Tables on a virtual clock.

    Hooks, all harmless by default: `stale` is called for each eventually consistent read, and
    answers how old its view is (up to two seconds). `unprocessed` is called for each key of a
    batch, and answers whether the key is left over. `page_size` is called for each page of a Query
    or Scan, and answers how many items are evaluated at most. `written` is called with what a call
    changed. `changes` lists every effective write in order.
    """

    def __init__(self, now: Callable[[], float], random: Random) -> None:
        self.stale: Callable[[], float] = lambda: 0.0
        self.unprocessed: Callable[[], bool] = lambda: False
        self.page_size: Callable[[], int | None] = lambda: None
        self.written: Callable[[Sequence[Change]], None] = lambda _: None
        self.changes: list[Change] = []
        self._now = now
        self._random = random
        self._tables: dict[str, Table] = {}
        self._tokens: dict[str, tuple[float, Sequence[Any]]] = {}
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GetItem": self._get_item,
            "PutItem": self._put_item,
            "UpdateItem": self._update_item,
            "DeleteItem": self._delete_item,
            "Query": self._query,
            "Scan": self._scan,
            "BatchGetItem": self._batch_get_item,
            "BatchWriteItem": self._batch_write_item,
            "TransactWriteItems": self._transact_write_items,
            "TransactGetItems": self._transact_get_items,
        }

    def create_table(
        self,
        name: str,
        key: tuple[str, ...],
        indexes: Mapping[str, tuple[str, str]] | None = None,
        expires: str | None = None,
    ) -> None:
        """Create a table with string keys.

        Its indexes are sparse and keys-only (name → partition and sort key). It may have a TTL
        attribute.
        """
        if name in self._tables:
            raise ServiceError("ResourceInUseException", f"Table already exists: {name}")
        self._tables[name] = Table(name, key, indexes or {}, expires)

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Perform one operation with boto3's parameters and answer. Raises ServiceError."""
        try:
            run = self._operations[operation]
        except KeyError:
            raise NotImplementedError(f"DynamoDB: {operation}") from None
        before = len(self.changes)
        answer = run(params)
        if len(self.changes) > before:
            self.written(self.changes[before:])
        return answer

    def items(self, table: str) -> Iterable[Item]:
        """All items as they are now, for checkers that take no part in the run."""
        return self._tables[table].items.values()

    def apply_ttl(self) -> None:
        """Delete expired items.

        DynamoDB deletes them within days. Until then they can be read as before.
        """
        now = self._now()
        for table in self._tables.values():
            if table.expires is not None:
                for key, item in list(table.items.items()):
                    expires = item.get(table.expires, {}).get("N")
                    if expires is not None and number(expires) < now:
                        self._store(table, key, Written(None, 0))

    def _table(self, params: Mapping[str, Any]) -> Table:
        try:
            return self._tables[params["TableName"]]
        except KeyError:
            raise ServiceError(
                "ResourceNotFoundException", "Requested resource not found"
            ) from None

    def _view(self, table: Table, consistent: bool) -> View:
        lag = 0.0 if consistent else min(self.stale(), HISTORY_SECONDS)
        return table.view(self._now() - lag) if lag > 0 else {}

    def _store(self, table: Table, key: Key, written: Written) -> None:
        before = table.items.get(key)
        if before != written.item:
            table.write(self._now(), key, written.item, written.size)
            self.changes.append(Change(table.name, key, before, written.item))

    def _write(self, write: Write) -> tuple[Item | None, Written]:
        before = write.table.items.get(write.key)
        refusal = write.refusal(before)
        if refusal is not None:
            raise refusal
        written = write.apply(before)
        self._store(write.table, write.key, written)
        return before, written

    def _put_item(self, params: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown("PutItem", params, PUT | _RETURNING)
        returned = _returned(params, ("NONE", "ALL_OLD"))
        before, _ = self._write(plan_put(self._table(params), params))
        return {"Attributes": dict(before)} if before is not None and returned == "ALL_OLD" else {}

    def _delete_item(self, params: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown("DeleteItem", params, DELETE | _RETURNING)
        returned = _returned(params, ("NONE", "ALL_OLD"))
        before, _ = self._write(plan_delete(self._table(params), params))
        return {"Attributes": dict(before)} if before is not None and returned == "ALL_OLD" else {}

    def _update_item(self, params: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown("UpdateItem", params, UPDATE | _RETURNING)
        returned = _returned(params, ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"))
        before, written = self._write(plan_update(self._table(params), params))
        if returned == "NONE":
            return {}
        shown = (before if returned.endswith("OLD") else written.item) or {}
        if returned.startswith("UPDATED"):
            shown = {name: shown[name] for name in written.updated if name in shown}
        return {"Attributes": dict(shown)} if shown else {}

    def _get_item(self, params: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown("GetItem", params, _GET_ITEM)
        table = self._table(params)
        return _found(table, params, self._view(table, params.get("ConsistentRead", False)))

    def _transact_get_items(self, params: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown("TransactGetItems", params, frozenset({"TransactItems"}))
        gets = [get["Get"] for get in params["TransactItems"]]
        if len(gets) > MAX_TRANSACTION_ITEMS:
            raise invalid(f"Member must have length less than or equal to {MAX_TRANSACTION_ITEMS}")
        for get in gets:
            refuse_unknown("TransactGetItems", get, _GET)
        return {"Responses": [_found(self._table(get), get, {}) for get in gets]}

    def _query(self, params: dict[str, Any]) -> dict[str, Any]:
        query = Query(self._table(params), params)
        return query.page(self._view(query.table, query.consistent), self.page_size())

    def _scan(self, params: dict[str, Any]) -> dict[str, Any]:
        scan = Scan(self._table(params), params)
        return scan.page(self._view(scan.table, scan.consistent), self.page_size())

    def _batch_get_item(self, params: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown("BatchGetItem", params, frozenset({"RequestItems"}))
        asked = params["RequestItems"]
        count = sum(len(request["Keys"]) for request in asked.values())
        if not 0 < count <= MAX_BATCH_READS:
            raise invalid("Too many items requested for the BatchGetItem call")
        responses: dict[str, list[Item]] = {}
        left_over: dict[str, Any] = {}
        total = 0
        for name, request in asked.items():
            refuse_unknown("BatchGetItem", request, _GET_KEYS)
            table = self._table({"TableName": name})
            keys = {table.exact_key(key): key for key in request["Keys"]}
            if len(keys) < len(request["Keys"]):
                raise invalid("Provided list of item keys contains duplicates")
            view = self._view(table, request.get("ConsistentRead", False))
            responses[name] = []
            skipped = []
            for key, given in keys.items():
                total += table.sizes.get(key, 0)
                if total > MAX_BATCH_READ_BYTES or self.unprocessed():
                    skipped.append(given)
                    continue
                found = _found(table, {**request, "Key": given}, view)
                responses[name] += found.values()
            self._random.shuffle(responses[name])
            if skipped:
                left_over[name] = {**request, "Keys": skipped}
        _refuse_if_none(count, sum(len(request["Keys"]) for request in left_over.values()))
        return {"Responses": responses, "UnprocessedKeys": left_over}

    def _batch_write_item(self, params: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown("BatchWriteItem", params, frozenset({"RequestItems"}))
        asked = [
            (name, request) for name, each in params["RequestItems"].items() for request in each
        ]
        if not 0 < len(asked) <= MAX_BATCH_WRITES:
            raise invalid("Too many items requested for the BatchWriteItem call")
        writes = []
        for name, request in asked:
            ((kind, content),) = request.items()
            plan = plan_put if kind == "PutRequest" else plan_delete
            writes.append(plan(self._table({"TableName": name}), content))
        if len({(write.table.name, write.key) for write in writes}) < len(writes):
            raise invalid("Provided list of item keys contains duplicates")
        left_over: dict[str, list[Any]] = {}
        for (name, request), write in zip(asked, writes, strict=True):
            if self.unprocessed():
                left_over.setdefault(name, []).append(request)
            else:
                self._write(write)
        _refuse_if_none(len(asked), sum(map(len, left_over.values())))
        return {"UnprocessedItems": left_over}

    def _transact_write_items(self, params: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown(
            "TransactWriteItems", params, frozenset({"TransactItems", "ClientRequestToken"})
        )
        items, token = params["TransactItems"], params.get("ClientRequestToken")
        if token is not None and self._is_repeated(token, items):
            return {}
        if not 0 < len(items) <= MAX_TRANSACTION_ITEMS:
            raise invalid(f"Member must have length less than or equal to {MAX_TRANSACTION_ITEMS}")
        writes = [self._of_transaction(item) for item in items]
        if len({(write.table.name, write.key) for write in writes}) < len(writes):
            raise invalid("Transaction request cannot include multiple operations on one item")
        outcomes = [_outcome(write) for write in writes]
        done = [outcome for outcome in outcomes if isinstance(outcome, Written)]
        if len(done) < len(outcomes):
            raise _canceled(outcomes)
        if sum(outcome.size for outcome in done) > MAX_TRANSACTION_BYTES:
            raise invalid("Transaction request is too large: collection size exceeded 4 MB")
        for write, outcome in zip(writes, done, strict=True):
            self._store(write.table, write.key, outcome)
        if token is not None:
            self._tokens[token] = self._now(), items
        return {}

    def _is_repeated(self, token: str, items: Sequence[Any]) -> bool:
        """Only writes are remembered. A canceled transaction may be tried again."""
        oldest = self._now() - TOKEN_SECONDS
        while self._tokens and next(iter(self._tokens.values()))[0] < oldest:
            del self._tokens[next(iter(self._tokens))]
        if token not in self._tokens:
            return False
        if self._tokens[token][1] != items:
            raise ServiceError(
                "IdempotentParameterMismatchException",
                "The request's parameters differ from those of the same token",
            )
        return True

    def _of_transaction(self, item: Mapping[str, Any]) -> Write:
        ((kind, params),) = item.items()
        plan, known = _OF_TRANSACTION[kind]
        refuse_unknown(kind, params, known)
        if kind == "ConditionCheck" and "ConditionExpression" not in params:
            raise invalid("The ConditionCheck has no ConditionExpression")
        return plan(self._table(params), params)


def _returned(params: Mapping[str, Any], allowed: tuple[str, ...]) -> str:
    returned: str = params.get("ReturnValues", "NONE")
    if returned not in allowed:
        raise invalid("Return values set to invalid value")
    return returned


def _found(table: Table, params: Mapping[str, Any], view: View) -> dict[str, Any]:
    item = table.item(table.exact_key(params["Key"]), view)
    compiled = compiled_projection(params)
    found = environment(params, compiled.placeholders if compiled is not None else NOTHING)
    if item is None:
        return {}
    return {"Item": dict(item) if compiled is None else compiled.of(item, found)}


def _refuse_if_none(count: int, left_over: int) -> None:
    if left_over == count:
        raise ServiceError(
            "ProvisionedThroughputExceededException",
            "The level of configured throughput was exceeded",
        )


def _outcome(write: Write) -> Written | ServiceError:
    before = write.table.items.get(write.key)
    refusal = write.refusal(before)
    if refusal is not None:
        return refusal
    try:
        return write.apply(before)
    except ServiceError as error:
        return error


def _canceled(outcomes: Iterable[Written | ServiceError]) -> ServiceError:
    codes = {
        "ConditionalCheckFailedException": "ConditionalCheckFailed",
        "ValidationException": "ValidationError",
    }
    reasons = [
        {"Code": codes[outcome.code], "Message": outcome.message, **outcome.extra}
        if isinstance(outcome, ServiceError)
        else {"Code": "None"}
        for outcome in outcomes
    ]
    listed = ", ".join(str(reason["Code"]) for reason in reasons)
    return ServiceError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{listed}]",
        CancellationReasons=reasons,
    )
