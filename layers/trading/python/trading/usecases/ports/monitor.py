"""What operations watch."""

from typing import Protocol

from trading.metrics import Metric


class Monitor(Protocol):
    """Metrics and log lines."""

    def count(self, name: Metric, **facts: str) -> None: ...
