"""The command that prints the events of the account as they come. Other commands wait for them."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from cli.events import line
from cli.failures import Exit, Failure
from cli.options import AsJson
from cli.session import Session
from trading.domain.events import Topic
from workstation.stream import EventStream, StreamRefusedError

FOREVER = 3600.0


def stream(
    ctx: typer.Context,
    topic: Annotated[
        list[Topic] | None,
        typer.Option("--topic", help="Only this topic. May be repeated.", show_default=False),
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(
            "--since",
            min=0,
            metavar="SEQUENCE",
            help="Begin with the events after this sequence. Without it, with those that come.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the events of the account as they happen, until Ctrl-C.

    The command connects again when the connection ends, and misses no event. Example:
    trading stream --topic orders --topic trades
    """
    session: Session = ctx.obj.begin(as_json)
    events = connected(session, topic or [], since)
    try:
        while True:
            for event in taken(events, FOREVER):
                sys.stdout.write((json.dumps(event) if as_json else line(event)) + "\n")
            sys.stdout.flush()
    except KeyboardInterrupt:
        return
    finally:
        events.close()


def connected(session: Session, topics: list[Topic], since: int | None = None) -> EventStream:
    """A stream of the profile's account. Raises Failure if the profile has no `stream_url`."""
    url = session.profile.stream_url
    if url is None:
        raise Failure.here(
            Exit.CONFIGURATION,
            "NO_STREAM_URL",
            "This profile has no stream_url. See: trading profile add --stream-url",
        )

    def token(anew: bool) -> str:
        try:
            return session.api.token(anew)
        except Failure as failure:
            if failure.may_be_repeated:  # the stream then tries again, as without an answer
                raise ConnectionError(str(failure)) from failure
            raise

    return EventStream(url, token, [*map(str, topics)], since, session.note)


@contextmanager
def waiting(session: Session, topics: list[Topic]) -> Iterator[Callable[[float], None]]:
    """A function that waits for some seconds, or until an event of these topics comes. Without a
    stream, or if the API refuses it, the function waits the whole time.
    """
    if session.profile.stream_url is None:
        yield time.sleep
        return
    events = connected(session, topics)

    def wait(seconds: float) -> None:
        try:
            events.take(seconds)
        except StreamRefusedError as refused:
            session.note(f"The stream is refused: {refused}")
            time.sleep(seconds)

    try:
        yield wait
    finally:
        events.close()


def taken(events: EventStream, seconds: float) -> list[dict[str, object]]:
    """The events that come next. Raises Failure if the API refuses the stream."""
    try:
        return events.take(seconds)
    except StreamRefusedError as refused:
        raise Failure.answered(refused.status, refused.problem, None) from refused
