"""The calls that functions make to AWS, with the faults that can hit them on their way."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from tests.simulation.engine import LATENCY, Process, current
from tests.simulation.faults import CallFault, Faults
from tests.simulation.outages import Outages
from tests.simulation.permissions import Permissions
from tests.simulation.services.errors import ServiceError

ATTEMPTS = 2
"""The number that `trading.adapters.runtime.aws` sets for botocore."""
READ_TIMEOUT = 3.0
THROTTLED = {
    "dynamodb": "ThrottlingException",
    "sqs": "RequestThrottled",
    "stepfunctions": "ThrottlingException",
}
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
KEYS = (
    "order_id",
    "client_id",
    "trade_id",
    "name",
    "id",
    "api_key",
    "item",
    "kind",
    "version",
    "status",
)


class Calls:
    """Stands in for botocore and its retries. `perform` is the service's work for a call that
    arrives.
    """

    def __init__(
        self,
        faults: Faults,
        outages: Outages,
        permissions: Permissions,
        perform: Callable[[str, str, dict[str, Any]], Any],
        log: Callable[..., None],
    ) -> None:
        self._faults = faults
        self._outages = outages
        self._permissions = permissions
        self._perform = perform
        self._log = log
        self._tokens = 0

    def make(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        """Make a call of the running process. The simulation's own calls meet no faults.

        Raises ServiceError or one of botocore's errors.
        """
        process = current()
        if process is None:
            return self._perform(service, operation, params)
        self._permissions.check(process.name, operation, params)
        if operation == "TransactWriteItems" and "ClientRequestToken" not in params:
            self._tokens += 1
            params = {**params, "ClientRequestToken": f"token-{self._tokens}"}
        failure: Exception | None = None
        for _ in range(ATTEMPTS):
            fault = self._faults.at_call(process.random, failure is not None)
            process.sleep(process.random.uniform(*LATENCY))
            fault = fault or self._outages.fault(service, operation, params, process.random)
            if fault is None:
                self._log(process.name, operation, _subject(params))
                return self._perform(service, operation, params)
            self._log(process.name, fault.value, operation, _subject(params))
            failure = self._fail(process, fault, service, operation, params)
            if fault is CallFault.CONFLICT:
                break
        assert failure is not None
        raise failure

    def _fail(
        self,
        process: Process,
        fault: CallFault,
        service: str,
        operation: str,
        params: dict[str, Any],
    ) -> Exception:
        """Carry out a fault, and return the error of this attempt."""
        if fault in (CallFault.LOST, CallFault.FROZEN_AFTER, CallFault.KILLED_AFTER):
            try:
                self._perform(service, operation, params)
            except ServiceError as error:
                self._log(process.name, "unheard", error.code)
        match fault:
            case CallFault.KILLED_BEFORE | CallFault.KILLED_AFTER:
                process.die(fault.value)
            case CallFault.FROZEN_BEFORE | CallFault.FROZEN_AFTER:
                process.sleep(max(process.remaining, 0) + 1)
            case CallFault.LOST:
                process.sleep(READ_TIMEOUT)
                return ReadTimeoutError(endpoint_url=service)
            case CallFault.THROTTLED:
                return ServiceError(THROTTLED.get(service, "ThrottlingException"), "slow down")
            case CallFault.CONFLICT if service == "dynamodb" and operation == "TransactWriteItems":
                return _transaction_conflict(process.random, len(params["TransactItems"]))
            case CallFault.CONFLICT if service == "dynamodb" and operation in WRITES:
                return ServiceError(
                    "TransactionConflictException", "another transaction holds the item"
                )
            case CallFault.CONFLICT:
                return ConnectTimeoutError(endpoint_url=service)
        return ServiceError("InternalServerError", "an internal error")


def _transaction_conflict(random: Random, size: int) -> ServiceError:
    unlucky = random.randrange(size)
    reasons = [
        {"Code": "TransactionConflict" if number == unlucky else "None"} for number in range(size)
    ]
    return ServiceError(
        "TransactionCanceledException", "Transaction cancelled", CancellationReasons=reasons
    )


def _subject(params: dict[str, Any]) -> str:
    """A short name for what a call is about."""
    named = params.get("Key") or params.get("Item")
    if named is not None:
        table: str = params["TableName"]
        return table + " " + _key(named)
    if "TransactItems" in params:
        writes = [write for action in params["TransactItems"] for write in action.values()]
        return ", ".join(w["TableName"] + " " + _key(w.get("Key") or w["Item"]) for w in writes)
    for name in ("MessageBody", "name", "taskToken", "SecretId", "QueueUrl", "TableName"):
        if name in params:
            return str(params[name])
    return ""


def _key(item: dict[str, Any]) -> str:
    return " ".join([next(iter(item[name].values())) for name in KEYS if name in item])
