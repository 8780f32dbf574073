"""A WebSocket API on 127.0.0.1 whose connections behave as a test says."""

import json
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from threading import Thread
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

PATIENCE_SECONDS = 10.0


class Talk:
    """The server's side of one connection. `heard`: what the client has said."""

    def __init__(self, connection: ServerConnection, heard: list[dict[str, Any]]) -> None:
        self._connection = connection
        self.heard = heard

    def hear(self) -> dict[str, Any]:
        """What the client says next."""
        message: dict[str, Any] = json.loads(self._connection.recv(timeout=PATIENCE_SECONDS))
        self.heard.append(message)
        return message

    def say(self, **message: Any) -> None:
        self._connection.send(json.dumps(message))

    def answer(self, since: int) -> None:
        """Hear a subscription, and accept it."""
        asked = self.hear()
        assert asked["action"] == "subscribe"
        self.say(type="subscribed", subscription=1, topics=[], since=asked.get("since", since))

    def tell(self, *events: dict[str, Any], since: int | None = None) -> None:
        """Say that events have happened."""
        until = events[-1]["sequence"] if since is None else since
        self.say(type="events", subscription=1, items=events, since=until)

    def close(self, code: str) -> None:
        """Say why, and close the connection."""
        self.say(type="closing", code=code, detail=f"It ends: {code}.")
        self._connection.close()

    def refuse(self, status: int, code: str) -> None:
        """Answer a message with a problem."""
        self.say(type="error", problem={"status": status, "code": code, "detail": f"No: {code}."})

    def wait(self) -> None:
        """Wait until the client goes. What it says is heard."""
        try:
            while True:
                self.hear()
        except (ConnectionClosed, TimeoutError):
            return

    def pause(self, seconds: float) -> None:
        """Let time pass. What the client says meanwhile is heard."""
        with suppress(TimeoutError):
            self.heard.append(json.loads(self._connection.recv(timeout=seconds)))

    def abort(self) -> None:
        """End without the handshake of a closing, as a broken network does."""
        self._connection.socket.close()


Script = Callable[[Talk], None]
Refusal = tuple[int, dict[str, Any] | None]


class StreamServer:
    """Serves until `close`. `script`: what each connection does, one after another. A refusal is
    the answer to a handshake. After the script, connections stay silent.

    `tokens`: those of the handshakes. `talks`: the connections.
    """

    def __init__(self) -> None:
        self.script: list[Script | Refusal] = []
        self.tokens: list[str] = []
        self.talks: list[Talk] = []
        self._begun: list[Script] = []
        self._failed: list[Exception] = []
        self._server = serve(self._talk, "127.0.0.1", 0, process_request=self._handshake)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/stream"

    @property
    def said(self) -> list[list[dict[str, Any]]]:
        """What the client has said, by connection."""
        return [talk.heard for talk in self.talks]

    def close(self) -> None:
        """Raises what went wrong on the server's side."""
        self._server.shutdown()
        self._thread.join()
        if self._failed:
            raise self._failed[0]

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        self.tokens.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
        step = self.script.pop(0) if self.script else Talk.wait
        if callable(step):
            self._begun.append(step)
            return None
        status, problem = step
        text = json.dumps(problem) if problem else "no problem document"
        return connection.respond(HTTPStatus(status), text)

    def _talk(self, connection: ServerConnection) -> None:
        talk = Talk(connection, [])
        self.talks.append(talk)
        try:
            self._begun.pop(0)(talk)
        except (ConnectionClosed, TimeoutError, OSError):
            return
        except Exception as error:
            self._failed.append(error)
