"""What operations watch."""

from typing import Protocol


class Monitor(Protocol):
    """Metrics and log lines."""

    def count(self, name: str, **facts: str) -> None: ...
