"""Checks that the demo clients get all events of a session from the API, once and in order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from local.api import TradingClient
from trading.adapters.faces.events import EventsPage
from trading.domain.events import Event

PATH = "/api/v1/events"
WAIT_SECONDS = 10


@dataclass(frozen=True)
class Told:
    """What a client was told. `began`, `ended`: the sequences before the session and after it."""

    client_id: str
    events: tuple[Event, ...]
    began: int
    ended: int

    @property
    def types(self) -> Counter[str]:
        """How many events of each type there were."""
        return Counter(event.type for event in self.events)

    def complaint(self) -> str | None:
        """What is wrong with the sequences: one is missing, repeated or out of order."""
        told = [event.sequence for event in self.events]
        expected = list(range(self.began + 1, self.ended + 1))
        return None if told == expected else f"got sequences {told}, expected {expected}"


def sequences(clients: Mapping[str, TradingClient]) -> dict[str, int]:
    """The sequence of each client's last event."""
    return {client_id: _page(client).since for client_id, client in clients.items()}


def follow(clients: Mapping[str, TradingClient], began: Mapping[str, int]) -> list[Told]:
    """The events since then. An event that does not come within a while is missing."""
    ended = sequences(clients)
    return [
        Told(name, _events(clients[name], began[name], ended[name]), began[name], ended[name])
        for name in sorted(clients)
    ]


def _events(client: TradingClient, since: int, until: int) -> tuple[Event, ...]:
    events: list[Event] = []
    while since < until:
        page = _page(client, since=str(since), wait=str(WAIT_SECONDS))
        if not page.items:
            break
        events += page.items
        since = page.since
    return tuple(event for event in events if event.sequence <= until)


def _page(client: TradingClient, **query: str) -> EventsPage:
    return EventsPage.model_validate(client.get(PATH, **query).raise_for_status().json())
