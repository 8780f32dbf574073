"""Every commit of the scenarios, with the event that it is told as."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fakes.every_commit import SCENARIOS, USE_CASES, use_case_frames, world_over
from tests.fakes.registry import MemoryRegistry
from trading.domain.event_data import Fact
from trading.domain.events import Event, event_of
from trading.domain.ledger import Entry


@dataclass(frozen=True)
class Commit:
    """What one transaction wrote. `site`: the use case's function, or empty for the scenario."""

    site: str
    scenario: str
    facts: tuple[Any, ...]
    event: Event | None


class RecordingBooks(MemoryRegistry):
    """Books that record each commit that succeeds."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.recorded: list[tuple[str, tuple[Any, ...]]] = []

    def commit(self, *changes: Any) -> None:
        frames = use_case_frames()
        super().commit(*changes)
        self.recorded.append((site_of(frames[0]) if frames else "", changes))


def site_of(frame: FrameType) -> str:
    """The name of a use case's function, as `module:function`."""
    module = Path(frame.f_code.co_filename).relative_to(USE_CASES).with_suffix("")
    return f"{module}:{frame.f_code.co_qualname}"


def event_told(facts: Sequence[Any], now: Any) -> Event | None:
    """The event of a transaction."""
    return event_of([fact for fact in facts if isinstance(fact, Fact)], now)


@cache
def commits() -> tuple[Commit, ...]:
    """The commits of all scenarios."""
    found = []
    for scenario in SCENARIOS:
        world = world_over(RecordingBooks)
        scenario(world)
        assert isinstance(world.books, RecordingBooks)
        found += [
            Commit(site, scenario.__name__, facts, event_told(facts, world.now))
            for site, facts in world.books.recorded
        ]
    return tuple(found)


def events() -> list[Event]:
    """The events of all scenarios."""
    return [commit.event for commit in commits() if commit.event]


def of_entry(kind: type[Entry]) -> Commit:
    """The first commit of the scenarios that writes such an entry."""
    return next(c for c in commits() if any(isinstance(fact, kind) for fact in c.facts))
