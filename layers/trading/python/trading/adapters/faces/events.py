"""The clients' API of events."""

from collections.abc import Collection
from typing import Self

from trading.domain.events import Event, Topic, shown
from trading.domain.values import Frozen
from trading.usecases.accounts.follow_events import Followed

SEES_ORDERS = "orders:read"


class EventsPage(Frozen):
    """Events in order. `since`: where to go on, also if events of other topics were left out.
    `is_delayed`: a later event is there, and the next one is not yet.
    """

    items: tuple[Event, ...]
    since: int
    is_delayed: bool

    @classmethod
    def of(cls, followed: Followed, topic: Topic | None, permissions: Collection[str]) -> Self:
        """The events of a topic that a caller with these permissions may see."""
        return cls(
            items=shown(
                followed.events,
                () if topic is None else (topic,),
                sees_orders=SEES_ORDERS in permissions,
            ),
            since=followed.since,
            is_delayed=followed.is_delayed,
        )
