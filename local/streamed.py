"""Connects the demo clients to the stream while a session runs, and breaks their connections."""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from local.told import Told
from workstation.stream import EventStream, StreamRefusedError

PERIOD_SECONDS = 0.5
LONGEST_SECONDS = 10
"""How long to wait for the last events."""
BREAKS_AFTER = (2, 7)
"""The numbers of events after which a connection is broken, as if the network had failed."""


class Streamed(threading.Thread):
    """One client on the stream. It reads until it has all events or the block ends.

    It reads in a thread of its own, because the session continues meanwhile.
    """

    def __init__(self, client_id: str, events: EventStream) -> None:
        super().__init__(daemon=True)
        self.client_id = client_id
        self.sequences: list[int] = []
        self.refused: StreamRefusedError | None = None
        self._events = events
        self._wanted: int | None = None
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self.join()

    def run(self) -> None:
        """Read until the session is over."""
        try:
            while not self._is_over.is_set() and not self._has_all:
                self._see(self._events.take(PERIOD_SECONDS))
        except StreamRefusedError as error:
            self.refused = error
        finally:
            self._events.close()

    def _see(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            self.sequences.append(event["sequence"])
            if len(self.sequences) in BREAKS_AFTER:
                self._events.close()

    @property
    def _has_all(self) -> bool:
        return self._wanted is not None and (self._events.since or 0) >= self._wanted

    @property
    def connections(self) -> int:
        """How many connections the client has opened."""
        return self._events.connections

    def complaint(self, told: Told) -> str | None:
        """How the stream differs from the feed of the same client. Waits for the last events."""
        self._wanted = told.ended
        self.join(LONGEST_SECONDS)
        self._is_over.set()
        if self.refused is not None:
            return f"the stream was refused: {self.refused}"
        expected = [event.sequence for event in told.events]
        seen = [sequence for sequence in self.sequences if sequence <= told.ended]
        return None if seen == expected else f"the stream told {seen}, expected {expected}"


def complaints(streamed: Mapping[str, Streamed], told: list[Told]) -> list[str]:
    """The differences between the stream and the feed, of all clients."""
    found = ((each.client_id, streamed[each.client_id].complaint(each)) for each in told)
    return [f"stream of {client_id}: {complaint}" for client_id, complaint in found if complaint]
