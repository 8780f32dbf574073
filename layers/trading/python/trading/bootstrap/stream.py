"""The stream of events to connected clients."""

import time
from dataclasses import dataclass

from trading.adapters.dynamodb.accounts import TableAccounts
from trading.adapters.dynamodb.connections import TableConnections
from trading.adapters.dynamodb.event_log import TableEventLog
from trading.adapters.dynamodb.reads import TableReads
from trading.adapters.http.ended_tokens import TableEndedTokens
from trading.adapters.http.throttle import Throttle
from trading.adapters.messaging.sockets import ApiSockets
from trading.adapters.runtime import clock
from trading.adapters.runtime.settings import sockets_url
from trading.bootstrap import clients
from trading.bootstrap.api import throttle
from trading.bootstrap.events import pushes
from trading.bootstrap.settings import PushSettings, StreamSettings
from trading.usecases.accounts.follow_events import FollowEvents
from trading.usecases.streaming.connect import Stream
from trading.usecases.streaming.push_events import PushEvents


@dataclass(frozen=True)
class StreamFront:
    stream: Stream
    throttle: Throttle


def stream_front(settings: StreamSettings) -> StreamFront:
    dynamodb = clients.dynamodb()
    log = TableEventLog(dynamodb, settings.events_table, clock.now)
    accounts = TableAccounts(TableReads(dynamodb), settings.accounts_table)
    return StreamFront(
        stream=Stream(
            TableConnections(dynamodb, settings.connections_table, clock.now),
            FollowEvents(log, accounts, clock.now, time.sleep),
            pushes(settings),
            clock.now,
        ),
        throttle=throttle(settings),
    )


def push_events(settings: PushSettings) -> PushEvents:
    dynamodb = clients.dynamodb()
    url = sockets_url(settings.stream_api_id, settings.stream_api_stage)
    return PushEvents(
        TableConnections(dynamodb, settings.connections_table, clock.now),
        TableEventLog(dynamodb, settings.events_table, clock.now),
        ApiSockets(clients.sockets(url)),
        TableEndedTokens(clients.dispensable_dynamodb(), settings.control_table, clock.now),
        pushes(settings),
        clock.now,
    )
