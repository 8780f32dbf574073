"""The simulated management API of a WebSocket API: it sends to connections, and closes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.simulation.engine import Engine
from tests.simulation.services.errors import ServiceError

LARGEST_MESSAGE = 128 * 1024
SLOWEST = 0.2
"""The longest way of a message to its client, in seconds. Messages do not pass one another."""


@dataclass
class Socket:
    """A connection. `receive`: what its client does with a message. None: the client is gone, and
    API Gateway does not know yet. `arrived`: when the last message arrives.
    """

    receive: Callable[[str], None] | None
    arrived: float = 0.0


class Sockets:
    """The open connections by their ids."""

    def __init__(self, engine: Engine, random: Random) -> None:
        self._engine = engine
        self._random = random
        self.open: dict[str, Socket] = {}
        self.refuses: Callable[[], bool] = lambda: False
        """Whether API Gateway throttles a call."""

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Perform a call that has arrived. Raises ServiceError."""
        socket = self.open.get(params["ConnectionId"])
        if socket is None:
            raise ServiceError("GoneException", "the connection is closed")
        if self.refuses():
            raise ServiceError("LimitExceededException", "slow down")
        match operation:
            case "PostToConnection":
                if len(params["Data"]) > LARGEST_MESSAGE:
                    raise ServiceError("PayloadTooLargeException", "the message is too large")
                self._send(params["ConnectionId"], socket, params["Data"].decode())
            case "DeleteConnection":
                del self.open[params["ConnectionId"]]
            case _:
                raise NotImplementedError(operation)
        return {}

    def forget(self, connection_id: str) -> None:
        """Notice that a client is gone."""
        self.open.pop(connection_id, None)

    def _send(self, connection_id: str, socket: Socket, text: str) -> None:
        soonest = self._engine.now + self._random.uniform(0.005, SLOWEST)
        socket.arrived = max(socket.arrived + 1e-6, soonest)

        def arrives() -> None:
            if socket.receive is not None:
                socket.receive(text)

        self._engine.at(socket.arrived, arrives)
