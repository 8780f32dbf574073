"""The events of a client's account, kept in order."""

from collections.abc import Sequence
from typing import Protocol

from trading.domain.events import Event


class EventLog(Protocol):
    """The events of accounts, by client and sequence. An event gets there a moment after its
    transaction, and a later one may be there first.
    """

    def after(self, client_id: str, sequence: int, limit: int) -> Sequence[Event]:
        """Events with greater sequences, in order, with gaps where one is not there yet."""
        ...

    def before(self, client_id: str, sequence: int) -> int | None:
        """The greatest sequence up to this one that is kept."""
        ...
