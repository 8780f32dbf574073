"""Intruders, who try what must be refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.scenario import Action
from tests.simulation.sessions import Sessions
from trading.adapters.venues.signatures import sign
from trading.domain import identifiers
from trading.wire import CALLBACK_PATH

ORDERS_PATH = "/api/v1/orders"


class Intruders:
    """Carries out the actions of intruders."""

    def __init__(self, cloud: Cloud, sessions: Sessions) -> None:
        self.attempts: list[tuple[str, Answer]] = []
        """What intruders tried, and the answers."""
        self._cloud = cloud
        self._sessions = sessions

    def snoop(self, action: Action) -> None:
        """A client asks for another client's order."""
        order_id = identifiers.order_id(action.fields["client"], action.fields["key"])
        path = f"{ORDERS_PATH}/{order_id}"
        self._tried(
            action, self._sessions.request(action.who, "GET", path, f"snoop-{order_id}", None)
        )

    def impersonate(self, action: Action) -> None:
        """A client places an order for another client."""
        body = {"client_id": action.fields["client"], "stock_symbol": "KO", "quantity": 1}
        body |= {"order_type": "market", "side": "sell", "time_in_force": "DAY"}
        self._tried(
            action,
            self._sessions.request(
                action.who, "POST", ORDERS_PATH, f"for-{action.fields['key']}", body
            ),
        )

    def forge(self, action: Action) -> None:
        """An intruder reports a trade without the exchange's key."""
        process = current()
        assert process is not None
        order_id = identifiers.order_id(action.fields["client"], action.fields["key"])
        now = self._cloud.engine.now
        report = {
            "exchange_id": "XNYS",
            "execution_id": f"forged-{order_id[-8:]}",
            "client_order_id": f"{order_id}-1",
            "exchange_order_id": "forged",
            "account": action.fields["client"],
            "symbol": "KO",
            "side": "buy",
            "exec_type": "TRADE",
            "last_quantity": 1,
            "last_price": "1.00",
            "cumulative_quantity": 1,
            "leaves_quantity": 0,
            "transact_time": datetime.fromtimestamp(now, UTC).isoformat(),
            "correlation_id": "forged",
        }
        body = json.dumps(report).encode()
        headers = {
            "X-Key-Id": "XNYS",
            "X-Timestamp": str(int(now)),
            "X-Signature": sign(b"not the secret", int(now), "POST", CALLBACK_PATH, body),
            "Idempotency-Key": f"XNYS:{report['execution_id']}",
        }
        request = Request("public", "POST", CALLBACK_PATH, headers, body, f"forged {order_id}")
        self._tried(action, process.wait(partial(self._cloud.api.send, request)))

    def _tried(self, action: Action, answer: Answer) -> None:
        self._cloud.log(action.who, "tried to", action.what, answer.status)
        self.attempts.append((f"{action.who} {action.what}", answer))
