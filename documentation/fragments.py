"""What pages may include, by name: `<!-- include: order-status -->` on a line of its own."""

from collections.abc import Callable
from functools import cache

from documentation.diagrams import order_status, workflows

FRAGMENTS: dict[str, Callable[[], str]] = {
    "order-status": order_status.diagram,
    "order-lifecycle": lambda: workflows.diagram("order-lifecycle"),
    "settlement-cycle": lambda: workflows.diagram("settlement-cycle"),
}


@cache
def fragment(name: str) -> str:
    """The fragment of that name, rendered."""
    return FRAGMENTS[name]()
