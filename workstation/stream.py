"""A client of the stream. It returns the events of an account, each once and in order, and opens
another connection whenever one ends.
"""

import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

PING_AFTER_SECONDS = 60.0
"""API Gateway closes a connection after ten minutes without a message."""
ANSWER_SECONDS = 10.0
"""If nothing comes in this time after a ping, the connection is dead."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 30.0
MOST_DOUBLINGS = 10
OPEN_SECONDS = 15.0
MAX_SIZE = 2**20
OF_THE_TOKEN = ("TOKEN_EXPIRED", "TOKEN_ENDED")


class StreamRefusedError(Exception):
    """The API refuses the stream, and a retry would not help. `problem` has `code` and `detail`."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail", ""))
        self.status = status
        self.problem = problem


class EventStream:
    """The events after the sequence `since`. None: new events only.

    `token` returns an access token. Called with True, it returns a new one, because the API refused
    the last one. `topics`: none for all events. `note` gets messages for people. An object is for
    one thread only.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[bool], str],
        topics: Sequence[str] = (),
        since: int | None = None,
        note: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.since = since
        self.connections = 0
        self._url = url
        self._token = token
        self._topics = list(topics)
        self._note = note
        self._sleep = sleep
        self._socket: ClientConnection | None = None
        self._closing = ExitStack()
        self._pinged = False
        self._heard = 0.0
        self._refused = False
        self._failures = 0

    def take(self, seconds: float) -> list[dict[str, Any]]:
        """The events that come next, or an empty list if none comes in this time. Raises
        StreamRefusedError.

        Afterwards `since` is the sequence after which the next events begin.
        """
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            try:
                if found := self._receive(max(0.0, left)):
                    return found
            except TimeoutError:
                self._lose("The stream does not answer.")
            except (ConnectionClosed, InvalidHandshake, OSError) as error:
                self._lose(f"The stream has ended ({error}).")
            if deadline <= time.monotonic():
                return []
            if self._socket is None:
                self._sleep(min(self._pause(), max(0.0, deadline - time.monotonic())))

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._socket = None
        self._closing.close()

    def _receive(self, seconds: float) -> list[dict[str, Any]]:
        """The events of one message. Empty if no message comes in time, or one without events."""
        socket = self._socket or self._open()
        patience = self._heard + (ANSWER_SECONDS if self._pinged else PING_AFTER_SECONDS)
        try:
            left = max(0.0, patience - time.monotonic())
            message = json.loads(socket.recv(timeout=min(seconds, left)))
        except TimeoutError:
            if time.monotonic() < patience:
                return []
            if self._pinged:
                raise
            self._send(socket, {"action": "ping"})
            self._pinged, self._heard = True, time.monotonic()
            return []
        self._pinged, self._heard = False, time.monotonic()
        return self._read(message)

    def _open(self) -> ClientConnection:
        token = self._token(self._refused)
        try:
            socket = self._closing.enter_context(
                connect(
                    self._url,
                    additional_headers={"Authorization": f"Bearer {token}"},
                    open_timeout=OPEN_SECONDS,
                    max_size=MAX_SIZE,
                )
            )
        except InvalidStatus as error:
            status = error.response.status_code
            if status == HTTPStatus.UNAUTHORIZED and not self._refused:
                self._refused = True
                raise
            if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise StreamRefusedError(status, _problem(error, status)) from error
            raise
        self._socket, self._refused, self._pinged = socket, False, False
        self._heard = time.monotonic()
        self.connections += 1
        subscription: dict[str, Any] = {"action": "subscribe", "topics": self._topics}
        if self.since is not None:
            subscription["since"] = self.since
        self._send(socket, subscription)
        return socket

    @staticmethod
    def _send(socket: ClientConnection, message: dict[str, Any]) -> None:
        socket.send(json.dumps(message))

    def _read(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        match message.get("type"):
            case "events":
                self._failures = 0
                return self._new(message)
            case "pong":
                self._failures = 0
            case "subscribed":
                self.since = message["since"] if self.since is None else self.since
            case "closing" if message["code"] in OF_THE_TOKEN:
                self._refused = True
                self._lose(message["detail"])
            case "closing" if message["code"] == "EVENTS_EXPIRED":
                problem = {"code": message["code"], "detail": message["detail"]}
                raise StreamRefusedError(HTTPStatus.GONE, problem)
            case "closing":
                self._lose(message["detail"])
            case "error":
                self._refuse(message["problem"])
            case None:  # API Gateway answers by itself when the function does not
                self._lose(message.get("message", "The stream does not answer."))
        return []

    def _new(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        """The events of a message without those that came before."""
        seen = self.since
        fresh = [each for each in message["items"] if seen is None or each["sequence"] > seen]
        self.since = message["since"] if seen is None else max(seen, message["since"])
        return fresh

    def _refuse(self, problem: dict[str, Any]) -> None:
        """Give up the connection, if another one may help against the problem. Otherwise raises
        StreamRefusedError.
        """
        passes = problem["status"] in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
        if not (passes or problem["status"] >= 500 or problem["code"] == "NOT_CONNECTED"):
            raise StreamRefusedError(problem["status"], problem)
        self._refused = problem["status"] == HTTPStatus.UNAUTHORIZED
        self._lose(problem["detail"])

    def _lose(self, why: str) -> None:
        """Give up the connection. The next one begins after the same sequence."""
        self._failures += 1
        self._note(why)
        self.close()

    def _pause(self) -> float:
        """Grows with each failure, and is random, so that many clients do not return at once."""
        doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures, MOST_DOUBLINGS)
        longest = min(doubled, LONGEST_PAUSE_SECONDS)
        return longest * random.uniform(0.5, 1)  # noqa: S311


def _problem(error: InvalidStatus, status: int) -> dict[str, Any]:
    """The problem document of a refused handshake. API Gateway may answer without one."""
    try:
        found = json.loads(error.response.body or b"")
    except ValueError:
        found = {}
    if isinstance(found, dict) and "code" in found:
        return found
    phrase = HTTPStatus(status).phrase
    return {"code": phrase.upper().replace(" ", "_"), "detail": f"The stream is refused: {phrase}."}
