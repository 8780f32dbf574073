"""The functions: their triggers, permissions and settings."""

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterator

from pydantic_settings import BaseSettings

from documentation.markdown import (
    bullets,
    code,
    codes,
    first_paragraph,
    link,
    paragraph,
    section,
    table,
)
from documentation.reference.alarms import duration, named
from documentation.reference.api.specification import Schema
from documentation.reference.api.types import rules_of, said, type_of
from documentation.reference.queues import triggers
from documentation.reference.sources import parsed
from documentation.templates import templates
from infra.catalog.functions import FUNCTIONS, FunctionSpec
from infra.catalog.grants import GRANTS
from infra.catalog.routes import (
    CALLBACK_ROUTES,
    INTERNAL_ROUTES,
    PUBLIC_ROUTES,
    VENUE_ROUTES,
    Route,
)

APIS: dict[str, tuple[Route, ...]] = {
    "public API": PUBLIC_ROUTES,
    "internal API": INTERNAL_ROUTES,
    "callbacks API": CALLBACK_ROUTES,
    "venues' API": VENUE_ROUTES,
}
AUTHORIZERS = {"authorizer": "public API", "internal_authorizer": "internal API"}
SOCKETS = {
    "authorizer": "stream, to authorize each handshake",
    "stream": "stream: handshakes, messages and ends of connections",
}
"""What a function does for the WebSocket API."""
KINDS = {
    "tables": "table",
    "streams": "stream of table",
    "buses": "bus",
    "queues": "queue",
    "dlqs": "dead-letter queue",
    "secrets": "secret",
    "keys": "signing keys of",
    "workflows": "workflow",
    "logs": "log of",
    "functions": "function",
    "sockets": "connections of API",
}


def summary() -> str:
    """All functions in one table."""
    return table(
        ("function", "time-out", "memory", "what it does"),
        (
            (
                link(code(name), f"#{anchor(name)}"),
                duration(spec.timeout),
                f"{spec.memory} MB",
                first_paragraph(_docstring(name)),
            )
            for name, spec in FUNCTIONS.items()
        ),
    )


def sections() -> str:
    """A section for each function."""
    started = triggers()
    return "\n".join(
        section(
            2,
            code(name),
            paragraph(_docstring(name)),
            _limits(spec),
            _bulleted("Started by", (*_routes(name), *started.get(name.replace("_", "-"), ()))),
            "**Permissions**",
            _grants(name),
            "**Settings**",
            _settings(name),
            anchor=anchor(name),
        )
        for name, spec in FUNCTIONS.items()
    )


def anchor(name: str) -> str:
    """A function's anchor on the page."""
    return name.replace("_", "-")


def _docstring(name: str) -> str:
    """The docstring of the handler's module."""
    return ast.get_docstring(parsed()[f"functions.{name}.handler"]) or ""


def _limits(spec: FunctionSpec) -> str:
    waits = (
        "Nobody waits for its answer. "
        "When its last retry fails, the event goes to `invocations-dlq`."
        if spec.asynchronous
        else ""
    )
    return f"Time-out {duration(spec.timeout)}, {spec.memory} MB of memory. {waits}"


def _bulleted(title: str, items: tuple[str, ...]) -> str:
    return f"{title}:\n\n{bullets(items)}" if items else ""


def _routes(name: str) -> Iterator[str]:
    if api := AUTHORIZERS.get(name):
        yield f"{api}, to authorize each request"
    for api, routes in APIS.items():
        for route in routes:
            if route.function == name:
                yield f"{api} {code(f'{route.method} {route.path}')}"
    if name in SOCKETS:
        yield SOCKETS[name]
    for caller, grants in GRANTS.items():
        if f"functions/{name}" in grants:
            yield f"function {code(caller)}, by an invocation"


def _grants(name: str) -> str:
    return table(
        ("resource", "actions"),
        (
            (
                f"{KINDS[resource.partition('/')[0]]} {code(resource.partition('/')[2])}",
                codes(actions.split()),
            )
            for resource, actions in GRANTS[name].items()
        ),
    )


def settings(name: str) -> dict[str, Schema]:
    """A function's settings: variable → the schema of its value."""
    model: type[BaseSettings] = importlib.import_module(f"functions.{name}.settings").Settings
    properties: dict[str, Schema] = model.model_json_schema()["properties"]
    return {field.upper(): schema for field, schema in properties.items()}


def _settings(name: str) -> str:
    given = _environment(name)
    return table(
        ("variable", "type", "default", "value in dev"),
        (
            (
                code(variable),
                said((type_of(schema), *rules_of(schema))),
                code(schema.get("default", "")),
                code(given.get(variable, "")),
            )
            for variable, schema in settings(name).items()
        ),
    )


def _environment(name: str) -> dict[str, str]:
    """The variables that the template sets. A reference is shown as the name of its resource."""
    function = templates().function(name)
    variables = function.properties["Environment"]["Variables"]
    return {variable: named(function.stack, value) for variable, value in variables.items()}


def all_settings() -> str:
    """Every variable, with the functions that read it."""
    readers: dict[str, list[str]] = defaultdict(list)
    for name in FUNCTIONS:
        for variable in settings(name):
            readers[variable].append(name)
    return table(
        ("variable", "read by"),
        (
            (
                code(variable),
                "every function"
                if len(names) == len(FUNCTIONS)
                else ", ".join(link(code(name), f"functions.md#{anchor(name)}") for name in names),
            )
            for variable, names in sorted(readers.items())
        ),
    )
