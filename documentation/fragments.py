"""The fragments that pages may include, each by a line `<!-- include: order-status -->`."""

from collections.abc import Callable
from functools import cache, partial

from documentation.diagrams import order_status, stacks, workflows
from documentation.reference import (
    alarms,
    codes,
    commands,
    errors,
    event_pages,
    functions,
    ledger,
    messages,
    metrics,
    queues,
    tables,
)
from trading.adapters.http.problems import ProblemCode
from trading.codes import CODES
from trading.domain.errors import ErrorCode
from trading.metrics import Metric

# Error codes and metrics have pages that say more of them.
CODE_TABLES: dict[str, Callable[[], str]] = {
    title.lower().replace(" ", "-"): partial(codes.codes_table, enum)
    for title, enum in CODES.items()
    if enum not in (ErrorCode, ProblemCode, Metric)
}
FRAGMENTS: dict[str, Callable[[], str]] = {
    "alarms": alarms.sections,
    "alarms-production": alarms.of_production,
    "commands-ops": commands.ops,
    "commands-trading": commands.trading,
    "errors": errors.by_status,
    "event-aggregates": event_pages.aggregates,
    "event-data": event_pages.data,
    "event-envelope": event_pages.envelope,
    "event-example": event_pages.example,
    "event-topics": event_pages.topics,
    "stream-messages": event_pages.stream,
    "event-types": event_pages.types,
    "exit-statuses-ops": commands.ops_exit_statuses,
    "exit-statuses-trading": commands.trading_exit_statuses,
    "functions": functions.sections,
    "functions-summary": functions.summary,
    "ledger-models": ledger.models,
    "make-targets": commands.make_targets,
    "messages": messages.by_mailbox,
    "messages-models": messages.message_models,
    "metrics": metrics.emitted,
    "order-lifecycle": partial(workflows.diagram, "order-lifecycle"),
    "order-status": order_status.diagram,
    "queues": queues.queues,
    "schedules": queues.schedules,
    "secrets": queues.secrets,
    "settings": functions.all_settings,
    "settlement-cycle": partial(workflows.diagram, "settlement-cycle"),
    "stacks": stacks.stacks,
    "stacks-messages": stacks.messages,
    "stacks-tables": stacks.tables,
    "tables": tables.sections,
    "tables-summary": tables.summary,
    "venue-routes": messages.venue_routes,
    "wire-models": messages.wire_models,
    **CODE_TABLES,
}


@cache
def fragment(name: str) -> str:
    """The fragment of that name, rendered."""
    return FRAGMENTS[name]()
