"""The permissions of the functions' roles, applied to their calls as IAM would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from infra.catalog.grants import GRANTS
from tests.simulation.names import STAGE
from tests.simulation.services.errors import ServiceError

TRANSACTION_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
ACTIONS = {
    "SendMessageBatch": "SendMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "Invoke": "InvokeFunction",
    "PostToConnection": "ManageConnections",
    "DeleteConnection": "ManageConnections",
}
"""Operations that have no permission of their own."""


class Use(NamedTuple):
    """A permission that a function's call needs, with the catalog's names."""

    function: str
    resource: str
    action: str


class Permissions:
    """What each function's role allows, by the catalog, and what its calls needed.

    A call without its grant is refused with AccessDeniedException, and kept in `denied`.
    """

    def __init__(self, queues: Mapping[str, str], dead_letters: Mapping[str, str]) -> None:
        self.used: set[Use] = set()
        self.denied: list[Use] = []
        self._queues, self._dead_letters = queues, dead_letters

    def check(self, process: str, operation: str, params: Mapping[str, Any]) -> None:
        """Raise ServiceError unless the process is no function's or its role allows the call."""
        function = process.partition("/")[0]
        if function not in GRANTS:
            return
        for kind, name, action in needed(operation, params):
            resource = self._queue(name) if kind == "queues" else f"{kind}/{_without_stage(name)}"
            allowing = allowing_grants(Use(function, resource, action))
            self.used |= allowing
            if not allowing:
                self.denied.append(Use(function, resource, action))
                raise ServiceError(
                    "AccessDeniedException", f"{function} may not {action} on {resource}"
                )

    def _queue(self, url: str) -> str:
        for kind, urls in (("queues", self._queues), ("dlqs", self._dead_letters)):
            for name, known in urls.items():
                if url == known:
                    return f"{kind}/{name}"
        raise NotImplementedError(f"the queue {url}")


def allowing_grants(use: Use) -> set[Use]:
    """The grants that allow a use."""
    allowed = GRANTS[use.function].get(use.resource, "").split()
    return {use} if use.action in allowed else set()


def needed(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The permissions that a call needs: kind of resource, its name at AWS, action.

    The name of an index stands after that of its table. A queue is named by its URL.
    """
    action = ACTIONS.get(operation, operation)
    match params:
        case {"Entries": entries} if operation == "PutEvents":
            for entry in entries:
                yield "buses", entry["EventBusName"], action
        case {"TransactItems": items} if operation == "TransactWriteItems":
            for item in items:
                for kind, write in item.items():
                    yield "tables", write["TableName"], TRANSACTION_ACTIONS[kind]
        case {"TransactItems": items}:
            for item in items:
                yield "tables", item["Get"]["TableName"], "GetItem"
        case {"RequestItems": tables}:
            for name in tables:
                yield "tables", name, action
        case {"TableName": name, "IndexName": index}:
            yield "tables", f"{name}/{index}", action
        case {"TableName": name}:
            yield "tables", name, action
        case {"QueueUrl": url}:
            yield "queues", url, action
        case {"SecretId": name}:
            yield "secrets", name, action
        case {"KeyId": key}:  # a key's id has the catalog's name and its number
            yield "keys", key.rpartition("-")[0], action
        case {"stateMachineArn": arn}:
            yield "workflows", arn.split(":")[-1], action
        case {"logGroupName": group}:
            yield "logs", group, action
        case {"ConnectionId": _}:
            yield "sockets", "stream", action
        case {"FunctionName": name}:
            own = name.rpartition(":")[2]
            yield "functions", _without_stage(own).replace("-", "_"), action
        case _:
            raise NotImplementedError(f"the permission for {operation}")


def _without_stage(name: str) -> str:
    return name.removeprefix(f"{STAGE}-")
