"""The life of an order, drawn from its table of legal transitions."""

from documentation.markdown import mermaid
from trading.domain.orders.order_status import FINAL, TRANSITIONS


def diagram() -> str:
    """Every status and every legal transition."""
    lines = [
        f"    {'[*]' if source is None else source.value} --> {target.value}"
        for source, targets in TRANSITIONS.items()
        for target in sorted(targets, key=list(TRANSITIONS).index)
    ]
    ends = [f"    {status.value} --> [*]" for status in TRANSITIONS if status in FINAL]
    return mermaid("stateDiagram-v2", *lines, *ends)
