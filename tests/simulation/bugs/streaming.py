"""The stream: what connected clients are told, and how long they are."""

from tests.simulation.bugs.patching import Bug, Edit
from trading.adapters.dynamodb.event_log import WritableEventLog
from trading.adapters.messaging.event_log_writer import EventLogWriter
from trading.domain.connections import Connection
from trading.usecases.streaming.connect import Stream
from trading.usecases.streaming.push_events import PushEvents

BUGS = (
    Bug(
        "nobody is woken",
        "The log of events asks for no push after it has written.",
        "Connected clients see an event when they connect again.",
        (Edit(EventLogWriter._tell_of, "sorted(found.connected)", "()"),),
    ),
    Bug(
        "connections are read stale",
        "The log of events reads eventually consistent who is connected.",
        "A client that has just subscribed misses an event until the next one.",
        (Edit(WritableEventLog.look, '"ConsistentRead": True', '"ConsistentRead": False'),),
        pending="An event must be logged in the second after a subscription, and none after it.",
    ),
    Bug(
        "told before it is sent",
        "A push counts events as told although they could not be sent.",
        "A client misses the events of a push that failed.",
        (
            Edit(
                PushEvents._tell,
                "events = shown(",
                "push.done.told[connection.connection_id] = Told(connection.subscription, "
                "page.since); events = shown(",
            ),
        ),
    ),
    Bug(
        "a subscription begins now",
        "A subscription leaves out what was missed since the last connection.",
        "A client that connects again has a gap.",
        (
            Edit(
                Stream.subscribe,
                "self._checked(client_id, since)",
                "self._checked(client_id, None)",
            ),
        ),
    ),
    Bug(
        "a stream outlives its token",
        "A connection is not closed when its token expires.",
        "Whoever has stolen a token reads on for hours.",
        (Edit(Connection.why_it_ends, "self.expires_at <= now", "False"),),
    ),
    Bug(
        "only the first page is pushed",
        "A push ends after the first page of events.",
        "A client that was away for long gets the rest with the next event.",
        (Edit(PushEvents._tell, "while since is not None:", "for _ in (1,):"),),
        pending="No client misses more than a page of events.",
    ),
)
