"""Events: from the streams to the bus, from the bus to the log, from the log to clients."""

import time
from dataclasses import dataclass

from trading.adapters.dynamodb.event_log import TableEventLog, WritableEventLog
from trading.adapters.http.throttle import Throttle
from trading.adapters.messaging.event_bus import EventBus
from trading.adapters.messaging.event_log_writer import EventLogWriter
from trading.adapters.messaging.event_publisher import EventPublisher
from trading.adapters.messaging.event_queue import EventQueue
from trading.adapters.messaging.pushes import FunctionPushes
from trading.adapters.runtime import clock
from trading.bootstrap import clients
from trading.bootstrap.api import throttle
from trading.bootstrap.books import table_books
from trading.bootstrap.settings import (
    EventFeedSettings,
    EventLogSettings,
    EventPublisherSettings,
    PushesSettings,
)
from trading.usecases.accounts.follow_events import FollowEvents


@dataclass(frozen=True)
class EventFeed:
    follow: FollowEvents
    throttle: Throttle


def event_publisher(settings: EventPublisherSettings) -> EventPublisher:
    bus = EventBus(clients.events(), settings.event_bus)
    return EventPublisher(bus, clients.sqs(), settings.events_dlq_url)


def event_log_writer(settings: EventLogSettings) -> EventLogWriter:
    log = WritableEventLog(
        clients.dynamodb(), settings.events_table, settings.connections_table, clock.now
    )
    queue = EventQueue(clients.sqs(), settings.events_queue_url)
    return EventLogWriter(log, queue, pushes(settings), clock.now)


def pushes(settings: PushesSettings) -> FunctionPushes:
    """What has events pushed to connected clients."""
    queue = EventQueue(clients.sqs(), settings.events_queue_url)
    return FunctionPushes(clients.lambdas(), settings.push_function, queue, clock.now)


def event_feed(settings: EventFeedSettings) -> EventFeed:
    log = TableEventLog(clients.dynamodb(), settings.events_table, clock.now)
    return EventFeed(
        follow=FollowEvents(log, table_books(settings), clock.now, time.sleep),
        throttle=throttle(settings),
    )
