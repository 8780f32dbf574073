"""Clients that follow their events: each reads on from where it was, whatever happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from infra.catalog.routes import PUBLIC_ROUTES
from tests.fakes.api_gateway import proxy_event, route_of
from tests.simulation.engine import Engine, Outcome
from tests.simulation.event_cloud import EventCloud
from tests.simulation.event_oracle import EventOracle
from tests.simulation.names import STAGE
from tests.simulation.violations import ViolationError

RULE = "who follows sees every event once and in order"
PATH = "/api/v1/events"
AGAIN = 30.0
WAIT_SECONDS = 3


class Follower:
    """One client. The answer to a read may get lost; it then reads the same again."""

    def __init__(self, engine: Engine, cloud: EventCloud, oracle: EventOracle, name: str) -> None:
        self._engine = engine
        self._cloud = cloud
        self._oracle = oracle
        self._name = name
        self._since = 0
        self._reads = 0
        self.seen: list[int] = []

    def read(self, done: Callable[[], None] = lambda: None) -> None:
        """Read until there is nothing more."""
        self._reads += 1
        route = route_of(PUBLIC_ROUTES, "GET", PATH)
        assert route is not None
        query = f"since={self._since}&limit=5&wait={WAIT_SECONDS * (self._reads % 2)}"
        event = proxy_event(
            route,
            "GET",
            PATH,
            query,
            [("Accept", "application/json")],
            b"",
            request_id=f"follow-{self._name}-{self._reads}",
            stage=STAGE,
            claims=self._claims(),
        )

        def answered(outcome: Outcome) -> None:
            status = outcome.value["statusCode"] if outcome.value is not None else 0
            if status == 200:
                page = json.loads(outcome.value["body"])
                self._take(page)
                if page["items"]:
                    self._engine.after(0.01, lambda: self.read(done))
                else:
                    done()
            elif status in (0, 429) or status >= 500:
                self._engine.after(AGAIN, lambda: self.read(done))
            else:
                raise ViolationError(RULE, self._name, str(outcome.value))

        self._cloud.lambdas.invoke("event_feed", event, f"{self._name} {self._reads}", answered)

    def _take(self, page: dict[str, Any]) -> None:
        for event in page["items"]:
            expected = self._since + 1
            logged = self._oracle.logged.get((self._name, event["sequence"]))
            if event["sequence"] != expected or event["id"] != (logged or {}).get("id"):
                message = f"{event['id']} after {self._since}"
                raise ViolationError(RULE, self._name, message)
            self._since = event["sequence"]
            self.seen.append(event["sequence"])
        if page["since"] != self._since:
            message = f"since {page['since']} instead of {self._since}"
            raise ViolationError(RULE, self._name, message)

    def check(self) -> None:
        """Raise ViolationError unless it has seen everything."""
        expected = self._oracle.sequences(self._name)
        if self.seen != expected:
            raise ViolationError(RULE, self._name, f"{len(self.seen)} of {len(expected)} events")

    def _claims(self) -> dict[str, Any]:
        return {
            "client_id": self._name,
            "permissions": "accounts:read",
            "api_key": f"follower-of-{self._name}",
            "expires_at": str(int(self._engine.now) + 3600),
            "generation": "0",
        }
