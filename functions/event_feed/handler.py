"""GET /api/v1/events: everything that happens to a client's account, in order."""

from datetime import timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.event_feed.settings import Settings
from trading.adapters.faces.events import EventsPage
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.runtime import clock
from trading.adapters.runtime.settings import load
from trading.bootstrap.events import event_feed
from trading.domain.deadline import Deadline
from trading.domain.events import Topic

PAGE = 100
LONGEST_WAIT_SECONDS = 20

settings = load(Settings)
feed = event_feed(settings)
app = ApiResolver(feed.throttle, origins=settings.origins)


@app.get(
    "/api/v1/events",
    permission="accounts:read",
    summary="Follow events",
    tags=["Events"],
    responses={
        200: {"description": "The events, and where to go on"},
        410: {"description": "The events after `since` are not kept any more."},
    },
)
def events(
    since: Annotated[
        int | None, Query(ge=0, lt=10**12, description="The `since` of the last answer.")
    ] = None,
    topic: Annotated[Topic | None, Query(description="Only events of this topic.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
    wait: Annotated[
        int,
        Query(ge=0, le=LONGEST_WAIT_SECONDS, description="Longest wait for an event, in seconds."),
    ] = 0,
) -> EventsPage:
    """The events of the client's account after `since`, in order and without a gap. Go on with the
    `since` of the answer. Without `since`, the answer has no events, and says where the account
    stands now. Events are kept for seven days. A key without `orders:read` sees no orders in them.
    """
    client_id = app.principal.client_id
    if since is None:
        return EventsPage.of(feed.follow.now(client_id), topic, app.principal.permissions)
    seconds = wait if app.may_wait else 0
    deadline = Deadline.after(timedelta(seconds=seconds), clock.now)
    followed = feed.follow(client_id, since, limit, deadline)
    return EventsPage.of(followed, topic, app.principal.permissions)


handler = app.resolve
