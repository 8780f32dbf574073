"""Lets the local AWS set a function's `RecursiveLoop`, which its CloudFormation drops.

MiniStack has the setting behind its API alone.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc  # type: ignore[import-untyped]
from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]

FUNCTION = "AWS::Lambda::Function"


def apply() -> None:
    """Wrap MiniStack's provisioner of functions. Once a process, before it serves."""
    handlers = provisioners._RESOURCE_HANDLERS[FUNCTION]
    handlers["create"] = created(handlers["create"])
    handlers["update"] = updated(handlers["update"])


def created(create: Callable[..., Any]) -> Callable[..., Any]:
    """Set the loop after the function is made."""

    def wrapped(logical_id: str, properties: dict[str, Any], *more: Any, **named: Any) -> Any:
        made = create(logical_id, properties, *more, **named)
        _set(properties)
        return made

    return wrapped


def updated(update: Callable[..., Any]) -> Callable[..., Any]:
    """Set the loop after the function is changed."""

    def wrapped(
        physical_id: str, old: dict[str, Any], properties: dict[str, Any], *more: Any, **named: Any
    ) -> Any:
        made = update(physical_id, old, properties, *more, **named)
        _set(properties)
        return made

    return wrapped


def _set(properties: dict[str, Any]) -> None:
    function = lambda_svc._functions.get(properties.get("FunctionName"))
    if function is not None:
        function["recursive_loop"] = properties.get("RecursiveLoop", "Terminate")
