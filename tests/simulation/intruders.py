"""Intruders, who try what must be refused."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from tests.simulation.api_gateway import Answer, Request
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.rights import Trespass
from tests.simulation.scenario import Action
from tests.simulation.sessions import Sessions
from trading.adapters.venues.signatures import signed_headers
from trading.domain import identifiers
from trading.wire import CALLBACK_PATH

ORDERS_PATH = "/api/v1/orders"
TRIES = 4


class Attempt(NamedTuple):
    """What an intruder tried, the answer, and the statuses that it may have."""

    what: str
    answer: Answer
    refused_with: Collection[int]


class Intruders:
    """Carries out the actions of intruders. venue_secrets: the signing secrets of the venues."""

    def __init__(
        self,
        cloud: Cloud,
        sessions: Sessions,
        venue_secrets: Mapping[str, bytes],
        trail: AuditTrail,
    ) -> None:
        self.attempts: list[Attempt] = []
        self._cloud = cloud
        self._sessions = sessions
        self._venue_secrets = venue_secrets
        self._trail = trail

    def snoop(self, action: Action) -> None:
        """A client asks for another client's order, or wants to change it."""
        key, method = action.fields["key"], action.fields["method"]
        order_id = identifiers.order_id(action.fields["client"], key)
        path = action.fields["path"].format(order_id=order_id, key=key)
        body = {"quantity": 1} if method == "PATCH" else None
        answer = self._sessions.request(action.who, method, path, f"snoop-{order_id}", body)
        self.tried(action, answer, {404})

    def impersonate(self, action: Action) -> None:
        """A client places an order for another client."""
        body = {"client_id": action.fields["client"], "stock_symbol": "KO", "quantity": 1}
        body |= {"order_type": "market", "side": "sell", "time_in_force": "DAY"}
        key = f"for-{action.fields['key']}"
        answer = self._sessions.request(action.who, "POST", ORDERS_PATH, key, body)
        self.tried(action, answer, {403})

    def trespass(self, action: Action) -> None:
        """A caller tries a route that is not open to it.

        A 401 to a token that was kept from before says nothing: the token may have expired. It
        counts only if a new token gets it too.
        """
        tried: Trespass = action.fields["route"]
        path = re.sub(r"{\w+}", action.fields["key"], tried.path)
        answer, fresh = Answer(0), False
        for _ in range(TRIES):
            token = self._sessions.token(tried.caller, fresh=fresh) if tried.caller else None
            if tried.caller and token is None:
                answer = Answer(0)
                break
            headers = {"Idempotency-Key": f"trespass-{action.at}"}
            headers |= {"Authorization": f"Bearer {token}"} if token else {}
            content = b"" if tried.method in ("GET", "DELETE") else b"{}"
            told = self._send(
                Request(tried.api, tried.method, path, headers, content, f"trespass {action.at}")
            )
            unauthorized = told.status == 401 != tried.status
            answer, fresh = Answer(0) if unauthorized and not fresh else told, unauthorized
            if 0 < told.status < 500 and not unauthorized:
                break
        if tried.api == "internal" and answer.status == 403:
            self._trail.refused(tried.caller, tried.method, path)
        self.tried(action, answer, {tried.status})

    def forge(self, action: Action) -> None:
        """Somebody reports a trade of an exchange without the exchange's key."""
        order_id = identifiers.order_id(action.fields["client"], action.fields["key"])
        signer = action.fields["signer"]
        secret = self._venue_secrets[signer] if signer else b"not the secret"
        answer = self._report("XNYS", signer or "XNYS", secret, order_id, action.fields["client"])
        self.tried(action, answer, {401, 403} if signer else {401})

    def forge_with_leaked_secret(self, action: Action) -> None:
        """Somebody has the secret of an exchange, whose key is disabled."""
        venue, client_id = action.fields["venue"], action.fields["client"]
        order_id = identifiers.order_id(client_id, "leaked")
        answer = self._report(venue, venue, self._venue_secrets[venue], order_id, client_id)
        self.tried(action, answer, {401})

    def _report(
        self, exchange_id: str, signer: str, secret: bytes, order_id: str, client_id: str
    ) -> Answer:
        """The answer to a report of a trade that never was."""
        now = self._cloud.engine.now
        report = {
            "exchange_id": exchange_id,
            "execution_id": f"forged-{order_id[-8:]}",
            "client_order_id": f"{order_id}-1",
            "exchange_order_id": "forged",
            "account": client_id,
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
        headers = signed_headers(
            signer,
            secret,
            int(now),
            "POST",
            CALLBACK_PATH,
            body,
            {
                "Content-Type": "application/json",
                "Idempotency-Key": f"{exchange_id}:{report['execution_id']}",
            },
        )
        return self._send(
            Request("callbacks", "POST", CALLBACK_PATH, headers, body, f"forged {order_id}")
        )

    def _send(self, request: Request) -> Answer:
        process = current()
        assert process is not None
        answer: Answer = process.wait(partial(self._cloud.api.send, request))
        return answer

    def tried(self, action: Action, answer: Answer, refused_with: Collection[int]) -> None:
        """Keep an attempt for the oracle."""
        what: Any = action.fields.get("route") or action.fields.get("path", "")
        self._cloud.log(action.who, "tried to", action.what, what, answer.status)
        self.attempts.append(Attempt(f"{action.who} {action.what} {what}", answer, refused_with))
