"""What is deployed, drawn from the catalog: how functions reach queues, tables and workflows."""

from collections.abc import Iterable, Iterator, Mapping

from documentation.markdown import mermaid
from documentation.reference.queues import invoked_by_workflows, scheduled, sent_by_workflows
from infra.catalog.functions import (
    FUNCTIONS,
    IN_OWN_STACKS,
    OF_EVENTS,
    OF_THE_STREAM,
    SERVICES,
    SIMULATORS,
)
from infra.catalog.grants import GRANTS
from infra.catalog.loops import CONSUMERS
from infra.catalog.names import MAILBOXES
from infra.catalog.routes import (
    CALLBACK_ROUTES,
    INTERNAL_ROUTES,
    PUBLIC_ROUTES,
    VENUE_ROUTES,
    Route,
)
from infra.catalog.tables import SIMULATOR_TABLES, TABLES

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}
APIS: Mapping[str, tuple[Route, ...]] = {
    "public API": PUBLIC_ROUTES,
    "internal API": INTERNAL_ROUTES,
    "callbacks API": CALLBACK_ROUTES,
    "venues' API": VENUE_ROUTES,
}


def messages() -> str:
    """APIs, functions, queues, the bus and workflows, and who starts or sends what."""
    edges = dict.fromkeys(
        (*_of_apis(), *_of_queues(), *_of_events(), *_of_workflows(), *_of_schedules())
    )
    nodes = {node for edge in edges for node in edge}
    return mermaid("flowchart LR", *_shapes(nodes), *_lines(edges))


def tables() -> str:
    """Which function writes which table. Reads are left out."""
    edges = {
        (_function(name), _table(resource.split("/")[1])): None
        for name, grants in GRANTS.items()
        for resource, actions in grants.items()
        if resource.startswith("tables/") and WRITES & set(actions.split())
    }
    nodes = {node for edge in edges for node in edge}
    return mermaid("flowchart LR", *_shapes(nodes), *_lines(edges))


def stacks() -> str:
    """The stacks and what each of them holds."""
    return mermaid(
        "flowchart LR",
        *_stack("stateful", {"tables": TABLES, "mailboxes": MAILBOXES, "events": ("bus", "queue")}),
        *_stack(
            "services", {"functions": _of_services(), "APIs": ("public", "internal", "callbacks")}
        ),
        *_stack("simulators", {"functions": SIMULATORS, "tables": SIMULATOR_TABLES}),
        *_stack("events", {"functions": OF_EVENTS}),
        *_stack("stream", {"functions": OF_THE_STREAM, "APIs": ("stream",)}),
        *_stack("watch", {"alarms": ("functions", "schedules", "tables")}),
        "    services --> stateful",
        "    events --> stateful",
        "    stream --> services",
        "    services --> events",
        "    watch --> stateful",
        "    services --> simulators",
        "    simulators --> stateful",
    )


def _of_services() -> tuple[str, ...]:
    return tuple(name for name in SERVICES if name not in IN_OWN_STACKS)


def _stack(name: str, parts: Mapping[str, Iterable[str]]) -> Iterator[str]:
    yield f"    subgraph {name}"
    for part, members in parts.items():
        yield f'        {name}_{part}["{part}<br/>{"<br/>".join(members)}"]'
    yield "    end"


Edge = tuple[str, str]


def _of_apis() -> Iterator[Edge]:
    for api, routes in APIS.items():
        for route in routes:
            yield f"api/{api}", _function(route.function)
    yield "api/stream", _function("stream")


def _of_queues() -> Iterator[Edge]:
    for name, grants in GRANTS.items():
        for resource, actions in grants.items():
            kind, _, target = resource.partition("/")
            if kind == "queues" and "SendMessage" in actions:
                yield _function(name), _queue(target)
            if kind == "workflows" and "StartExecution" in actions:
                yield _function(name), f"workflow/{target}"
            if kind == "functions":
                yield _function(name), _function(target)
    for queue, function in CONSUMERS.items():
        yield _queue(queue), _function(function)


def _of_events() -> Iterator[Edge]:
    """From the streams to the bus, and from the bus to its queue."""
    for name, grants in GRANTS.items():
        for resource in grants:
            kind, _, target = resource.partition("/")
            if kind == "streams":
                yield _table(target), _function(name)
            if kind == "buses":
                yield _function(name), f"bus/{target}"
                yield f"bus/{target}", _queue(target)


def _of_workflows() -> Iterator[Edge]:
    for workflow, queue in sent_by_workflows():
        yield f"workflow/{workflow}", _queue(queue.removesuffix(".fifo"))
    for workflow, function in invoked_by_workflows():
        yield f"workflow/{workflow}", _function(function.replace("-", "_"))


def _of_schedules() -> Iterator[Edge]:
    for _, target in scheduled():
        name = target.replace("-", "_")
        yield "schedule/schedules", _function(name) if name in FUNCTIONS else f"workflow/{target}"


def _function(name: str) -> str:
    return f"function/{name}"


def _queue(name: str) -> str:
    return f"mailbox/{name}" if name in MAILBOXES else f"queue/{name}"


def _table(name: str) -> str:
    return f"table/{name}"


SHAPES = {
    "api": '(["{}"])',
    "function": '["{}"]',
    "bus": '{{{{"bus {}"}}}}',
    "mailbox": '[/"{}.fifo"/]',
    "queue": '[/"{}"/]',
    "schedule": '>"{}"]',
    "table": '[("{}")]',
    "workflow": '{{{{"{}"}}}}',
}


def _shapes(nodes: Iterable[str]) -> Iterator[str]:
    for node in sorted(nodes):
        kind, _, name = node.partition("/")
        yield f"    {_id(node)}{SHAPES[kind].format(name)}"


def _lines(edges: Iterable[Edge]) -> Iterator[str]:
    for source, target in sorted(edges):
        yield f"    {_id(source)} --> {_id(target)}"


def _id(node: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in node)
