"""The parameters of SQS's operations, one by one and in batches."""

from collections.abc import Callable, Collection
from typing import Any

from tests.simulation.services.errors import ServiceError


def known(params: dict[str, Any], names: Collection[str]) -> None:
    for name in params:
        if name not in names:
            raise NotImplementedError(f"sqs parameter {name}")


def each(
    entries: list[dict[str, Any]],
    names: Collection[str],
    do: Callable[[dict[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    """Perform a batch. Each entry succeeds or fails by itself."""
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        known(entry, names)
        try:
            done.append({"Id": entry["Id"], **do(entry)})
        except ServiceError as error:
            failed.append(
                {
                    "Id": entry["Id"],
                    "Code": error.code,
                    "Message": error.message,
                    "SenderFault": error.code != "InternalError",
                }
            )
    return {**({"Successful": done} if done else {}), **({"Failed": failed} if failed else {})}


def without_id(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "Id"}
