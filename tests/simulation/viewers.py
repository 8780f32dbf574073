"""Clients that watch the stream. Their connections die at any time, and the clients go on where
they were.
"""

from __future__ import annotations

import json
from functools import partial
from random import Random
from typing import Any

from tests.fakes.websocket import websocket_event
from tests.simulation.engine import Engine, Outcome
from tests.simulation.event_cloud import EventCloud
from tests.simulation.event_oracle import EventOracle
from tests.simulation.services.sockets import Socket
from tests.simulation.violations import ViolationError

RULE = "who is connected sees every event once and in order"
ENDS = "a connection ends with its token"
TOKEN_SECONDS = 900
AGAIN = 5.0
"""The pause before another connection, if there is no reason for a longer one."""
LONGEST_LIFE, LONGEST_PAUSE = 1200.0, 1800.0
LASTS, MOST_SECONDS = 0.3, 7200.0
"""How often a connection does not break, and when API Gateway closes it at the latest."""
UNNOTICED = 600.0
"""So long at most, API Gateway does not know that a client is gone."""
TOLD_OF_THE_END = 0.7
"""How often $disconnect comes. API Gateway promises nothing."""
LATE = 1800.0
"""No connection is open for so long after its token expired."""
SOON = 300.0
"""Without faults, a connected client is told so soon after an event is in the log."""
TOLD_SOON = "who is connected is told soon"


class Viewer:
    """One client, with one connection at a time."""

    def __init__(
        self, engine: Engine, cloud: EventCloud, oracle: EventOracle, seed: str, name: str
    ) -> None:
        self._engine = engine
        self._cloud = cloud
        self._oracle = oracle
        self._random = Random(f"{seed}/viewer/{name}")
        self.name = name
        self._since = 0
        self._connections = self._requests = 0
        self._current = ""
        self._until = 0.0
        self._expiries: dict[str, float] = {}
        self._subscribed = ""
        self._logged_at: dict[int, float] = {}
        self.seen: list[int] = []

    def watch(self, until: float) -> None:
        """Be connected until a time, with interruptions."""
        self._until = until
        if not self._current:
            self._connect()

    def expect(self, sequence: int, *, soon: bool) -> None:
        """An event is in the log. `soon`: there are no faults, so it must come soon."""
        self._logged_at[sequence] = self._engine.now
        if soon and self._current and self._subscribed == self._current:
            connection_id = self._current
            self._engine.after(SOON, lambda: self._expect_seen(sequence, connection_id))

    def _expect_seen(self, sequence: int, connection_id: str) -> None:
        if connection_id != self._current or self._since >= sequence:
            return
        before = range(self._since + 1, sequence)
        late = self._engine.now - SOON
        if all(self._logged_at.get(each, late + 1) <= late for each in before):
            raise ViolationError(TOLD_SOON, self.name, f"{sequence} was not told")

    def check(self) -> None:
        """Raise ViolationError unless it has seen everything, and old connections are closed."""
        expected = self._oracle.sequences(self.name)
        if self.seen != expected:
            raise ViolationError(RULE, self.name, f"{len(self.seen)} of {len(expected)} events")
        for connection_id, expires_at in self._expiries.items():
            if connection_id in self._cloud.sockets.open and self._engine.now > expires_at + LATE:
                raise ViolationError(ENDS, connection_id, "it is still open")

    def _connect(self) -> None:
        self._connections += 1
        connection_id = self._current = f"{self.name}-{self._connections}"
        expires_at = int(self._engine.now) + TOKEN_SECONDS
        claims = {
            "client_id": self.name,
            "permissions": "accounts:read",
            "api_key": f"viewer-of-{self.name}",
            "expires_at": str(expires_at),
            "generation": "0",
        }

        def connected(outcome: Outcome) -> None:
            if _status(outcome) != 200:
                self._lost(connection_id)
                return
            self._expiries[connection_id] = expires_at
            self._cloud.sockets.open[connection_id] = Socket(
                lambda text: self._receive(connection_id, text)
            )
            lasts = self._random.random() < LASTS
            life = MOST_SECONDS if lasts else self._random.uniform(0, LONGEST_LIFE)
            self._engine.after(life, lambda: self._die(connection_id, claims))
            subscription = {"action": "subscribe", "since": self._since}
            answered = partial(self._answered, connection_id)
            self._send("MESSAGE", connection_id, claims, answered, json.dumps(subscription))

        self._send("CONNECT", connection_id, claims, connected)

    def _answered(self, connection_id: str, outcome: Outcome) -> None:
        answer = json.loads(outcome.value["body"]) if _status(outcome) == 200 else {}
        if answer.get("type") == "subscribed":
            self._subscribed = connection_id
            return
        status = answer.get("problem", {}).get("status", 500)
        if status < 500 and status not in (410, 429):
            raise ViolationError(RULE, self.name, str(answer))
        if answer.get("problem", {}).get("code") == "EVENTS_EXPIRED":
            raise ViolationError(RULE, self.name, "events that it needs are not kept")
        self._lost(connection_id)

    def _receive(self, connection_id: str, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "closing":
            if message["code"] == "EVENTS_EXPIRED":
                raise ViolationError(RULE, self.name, "events that it needs are not kept")
            self._lost(connection_id)
            return
        if connection_id != self._current:
            return
        for event in message["items"]:
            self._see(event)
        if message["since"] > self._since:
            raise ViolationError(RULE, self.name, f"goes on after {message['since']}")

    def _see(self, event: dict[str, Any]) -> None:
        sequence = event["sequence"]
        logged = self._oracle.logged.get((self.name, sequence), {})
        if sequence > self._since + 1 or event["id"] != logged.get("id"):
            raise ViolationError(RULE, self.name, f"{event['id']} after {self._since}")
        if sequence == self._since + 1:
            self._since = sequence
            self.seen.append(sequence)

    def _die(self, connection_id: str, claims: dict[str, str]) -> None:
        """The connection breaks. Perhaps API Gateway notices, and perhaps it tells the function."""
        socket = self._cloud.sockets.open.get(connection_id)
        if socket is None:
            return
        socket.receive = None
        self._engine.after(
            self._random.uniform(0, UNNOTICED), lambda: self._cloud.sockets.forget(connection_id)
        )
        if self._random.random() < TOLD_OF_THE_END:
            self._send("DISCONNECT", connection_id, claims, lambda _: None)
        if connection_id == self._current:
            self._lost(connection_id, self._random.uniform(0, LONGEST_PAUSE))

    def _lost(self, connection_id: str, pause: float = AGAIN) -> None:
        """Connect anew after a while, unless the day is over."""
        if connection_id != self._current:
            return
        if (socket := self._cloud.sockets.open.get(connection_id)) is not None:
            socket.receive = None
        self._current = ""

        def again() -> None:
            if not self._current and self._engine.now < self._until:
                self._connect()

        self._engine.after(pause, again)

    def _send(
        self,
        event_type: str,
        connection_id: str,
        claims: dict[str, str],
        done: Any,
        body: str | None = None,
    ) -> None:
        self._requests += 1
        key = f"{connection_id} {event_type} {self._requests}"
        event = websocket_event(event_type, connection_id, key, claims, body=body)
        self._cloud.lambdas.invoke("stream", event, key, done)


def _status(outcome: Outcome) -> int:
    return outcome.value["statusCode"] if outcome.value is not None else 0
