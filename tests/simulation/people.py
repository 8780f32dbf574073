"""Clients and operators.

They send requests over HTTP, repeat them when no answer comes, and remember what they were told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.catalog.names import MAILBOXES
from ops.audit import AuditLog
from ops.dead_letters import DeadLetterQueue, DeadLetters
from ops.target import CONFIG, Target
from tests.simulation.api_gateway import Answer, Request
from tests.simulation.cancels import check_accepted, check_kept, check_seen
from tests.simulation.cloud import Cloud
from tests.simulation.engine import Process, current, raised
from tests.simulation.items import Item
from tests.simulation.lives import HOLDING
from tests.simulation.names import STAGE
from tests.simulation.replacing import Replaced
from tests.simulation.scenario import Action, Scenario
from tests.simulation.sights import Moment, Sight
from tests.simulation.violations import ViolationError
from trading.adapters.venues.signatures import sign
from trading.domain import identifiers
from trading.wire import CALLBACK_PATH

TRIES = 12
LATE = 200  # seconds, longer than most suspensions and halts
OPERATOR = "operator"
LOGIN_PATH = "/api/v1/auth/token"
ORDERS_PATH = "/api/v1/orders"
PAGED = ("positions", "orders", "trades", "transactions")
ORDER_FIELDS = (
    "stock_symbol",
    "quantity",
    "order_type",
    "side",
    "time_in_force",
    "price",
    "stop_price",
)


@dataclass(frozen=True)
class Placed:
    """A request to place an order, and its final answer. Status 0 means no conclusive answer."""

    client_id: str
    key: str
    body: dict[str, Any]
    answer: Answer


class OperatorsTarget(Target):
    """The simulated deployment, as the target of the operator's commands."""

    @property
    def who(self) -> str:
        """The actor that the audit log names."""
        return OPERATOR

    def _client(self, service: str, config: Config = CONFIG) -> Any:
        return boto3.client(service, config=config)  # type: ignore[call-overload]

    def named(self, name: str) -> str:
        """Names follow `Cloud`."""
        return f"{STAGE}-{name}"


class People:
    """Carries out a scenario's actions at their times."""

    def __init__(
        self,
        cloud: Cloud,
        scenario: Scenario,
        secrets: dict[str, tuple[str, str]],
        moments: Mapping[str, Sequence[Moment]],
    ) -> None:
        self.placed: list[Placed] = []
        self.shown: list[tuple[str, dict[str, Any]]] = []
        self.seen: list[Sight] = []
        self.canceled: dict[str, float] = {}
        """The orders whose cancel was accepted, and the time of the first such answer."""
        self.asked: set[str] = set()
        """The orders whose cancel was requested, and the clients that canceled all their orders."""
        self.replaced: list[Replaced] = []
        self.not_canceled: list[tuple[str, Answer]] = []
        """The orders that an answer called closed or ending, and that answer."""
        self.not_replaced: list[tuple[str, Answer]] = []
        self.intrusions: list[tuple[str, Answer]] = []
        """What intruders tried, and the answers."""
        self._cloud = cloud
        self._scenario = scenario
        self._secrets = secrets
        self._moments = moments
        self._tokens: dict[str, str] = {}
        self._requests = 0
        opening = scenario.opening.timestamp()
        for number, action in enumerate(scenario.actions):
            cloud.engine.at(
                opening + action.at,
                lambda action=action, number=number: self._do(action, number),  # type: ignore[misc]
            )

    def _do(self, action: Action, number: int) -> None:
        does: dict[str, Callable[[Action], None]] = {
            "place": self._place,
            "cancel": self._cancel,
            "cancel all": self._cancel_all,
            "replace": self._replace,
            "show": self._show,
            "execute": lambda a: self._internally(
                a, "execution", identifiers.order_id(a.fields["client"], a.fields["key"])
            ),
            "clear": self._clear,
            "close day": lambda _: self.close_day(),
            "redrive": lambda _: self.redrive(),
            "settle": lambda _: self.settle_by_hand(),
            "settle trades": lambda _: self._settle_trades(),
            "rotate key": lambda _: self._rotate(),
            "snoop": self._snoop,
            "impersonate": self._impersonate,
            "forge": self._forge,
            "look": self._look,
            "administer": self._administer,
        }
        copies = action.fields.get("copies", 1)
        for copy in range(copies):
            name = f"{action.who} {action.what} {action.fields.get('key', number)}.{copy}"
            self._start(name, lambda: does[action.what](action))

    def _start(self, name: str, body: Callable[[], None]) -> None:
        self._cloud.log(name, "begins")
        Process(self._cloud.engine, name, Random(f"{self._cloud.seed}/{name}"), body, raised)

    def _request(
        self,
        who: str,
        method: str,
        path: str,
        key: str,
        body: dict[str, Any] | None,
        impatient: bool = False,
    ) -> Answer:
        """Send a request until it is answered.

        After a time-out, a 429 or a 5xx the same request is sent again. An impatient client gives
        up instead.
        """
        process = current()
        assert process is not None
        api = "internal" if who == OPERATOR else "public"
        content = b"" if body is None else json.dumps(body).encode()
        answer: Answer = Answer(0)
        attempt = 0
        while attempt < TRIES:
            headers = {"Idempotency-Key": key}
            is_new = who not in self._tokens
            if path != LOGIN_PATH:
                token = self._tokens.get(who) or self._log_in(who)
                if not token:
                    return Answer(0)
                headers["Authorization"] = f"Bearer {token}"
            self._requests += 1
            sent_to = "public" if path == LOGIN_PATH else api
            request = Request(
                sent_to, method, path, headers, content, f"{process.name} {self._requests}"
            )
            answer = process.wait(partial(self._cloud.api.send, request))
            if answer.status == 401 and path != LOGIN_PATH:
                if self._tokens.get(who) == token:
                    del self._tokens[who]
                attempt += is_new  # an expired old token does not count as an attempt
                continue
            is_closed = answer.status == 409 and answer.json()["code"] in (
                "ORDER_CLOSED",
                "ORDER_ENDING",
            )
            if is_closed or (0 < answer.status < 500 and answer.status not in (409, 429)):
                return answer
            if impatient:
                return Answer(0)
            pause = float(answer.headers.get("Retry-After", 0)) or min(2.0**attempt, 30)
            process.sleep(pause * process.random.uniform(0.8, 1.2))
            attempt += 1
        return answer

    def _log_in(self, who: str) -> str | None:
        api_key, secret = self._secrets[who]
        self._requests += 1
        answer = self._request(
            who,
            "POST",
            LOGIN_PATH,
            f"login-{self._requests}",
            {"api_key": api_key, "api_secret": secret},
        )
        if answer.status == 200:
            self._tokens[who] = answer.json()["jwt_token"]
        return self._tokens.get(who)

    def _place(self, action: Action) -> None:
        body = {"client_id": action.who} | {
            n: action.fields[n] for n in ORDER_FIELDS if n in action.fields
        }
        if action.fields.get("conflicting"):
            self._start(
                f"{action.who} conflicts {action.fields['key']}",
                lambda: self._send(action, body | {"quantity": 13}),
            )
        self._send(action, body)

    def _send(self, action: Action, body: dict[str, Any]) -> None:
        key = action.fields["key"]
        answer = self._request(
            action.who, "POST", ORDERS_PATH, key, body, action.fields.get("impatient", False)
        )
        self._cloud.log(action.who, "was told", key, answer.status)
        self.placed.append(Placed(action.who, key, body, answer))

    def _show(self, action: Action) -> None:
        order_id = identifiers.order_id(action.who, action.fields["key"])
        is_accepted = order_id in self.canceled
        answer = self._request(
            action.who, "GET", f"{ORDERS_PATH}/{order_id}", f"show-{order_id}", None
        )
        if answer.status == 200:
            self.shown.append((order_id, answer.json()))
            is_asked = bool(self.asked & {order_id, action.who})
            check_seen(order_id, answer.json(), is_accepted=is_accepted, is_asked=is_asked)

    def _look(self, action: Action) -> None:
        """A client asks for a part of its account, page by page or repeatedly. Each answer is
        judged by itself.
        """
        view, cursor = action.fields["view"], ""
        for page in range(action.fields["pages"]):
            begins = len(self._moments[action.who]) - 1
            query = f"?limit={action.fields['limit']}{cursor}" if view in PAGED else ""
            answer = self._request(
                action.who, "GET", f"/api/v1/{view}{query}", f"look-{page}", None
            )
            if answer.status != 200:
                return
            body = answer.json()
            self.seen.append(Sight(action.who, view, body, self._moments[action.who][begins:]))
            if view in PAGED and not body["next_cursor"]:
                return
            cursor = f"&cursor={body['next_cursor']}" if view in PAGED else ""

    def _administer(self, action: Action) -> None:
        """An operator uses the admin API. Copies send the same request twice."""
        method, path, body = (action.fields[name] for name in ("method", "path", "body"))
        suspended = path.split("/")[1] if path.endswith("/suspension") else None
        open_before = self._open_orders(suspended) if suspended else []
        self.asked |= {suspended} if suspended else set()
        key, path = f"{path}-{action.at}".replace("/", "."), f"/api/v1/admin/{path}"
        answer = self._request(OPERATOR, method, path, key, body)
        self._cloud.log(OPERATOR, "administers", path, answer.status)
        if answer.status not in (0, 200, 201, 409, 422, 429) and answer.status < 500:
            raise ViolationError(
                "administration is possible", path, f"{answer.status} {answer.body!r}"
            )
        if suspended and answer.status == 200:
            check_kept(
                (self._now(suspended)[order_id] for order_id in open_before), "client", "operator"
            )
        if answer.status in (200, 201):
            self._repeat_late(OPERATOR, method, path, key, body)

    def _repeat_late(
        self, who: str, method: str, path: str, key: str, body: dict[str, Any] | None
    ) -> None:
        """Send a late copy of an answered request. It must get the first answer again and change
        nothing.
        """
        process = current()
        assert process is not None
        process.sleep(LATE)
        answer = self._request(who, method, path, key, body)
        if (
            0 < answer.status < 500
            and answer.status != 429
            and "Idempotency-Replayed" not in answer.headers
        ):
            raise ViolationError(
                "a late copy of a request does nothing", f"{who} {path}", f"{answer.status}"
            )

    def _cancel(self, action: Action) -> None:
        """Cancel an order.

        The answer is 202 while the order is open, 200 once it is canceled, 404 before the order has
        arrived, and 409 when it is too late.
        """
        order_id = identifiers.order_id(action.who, action.fields["key"])
        self.asked.add(order_id)
        answer = self._request(
            action.who, "DELETE", f"{ORDERS_PATH}/{order_id}", f"cancel-{order_id}", None
        )
        self._cloud.log(action.who, "was told of its cancel", action.fields["key"], answer.status)
        assert answer.status in (0, 200, 202, 404, 409, 429) or answer.status >= 500, answer
        if answer.status in (200, 202):
            now = self._cloud.engine.now
            check_accepted(answer.json(), answer, self._now(action.who)[order_id], now)
            self.canceled.setdefault(order_id, now)
            self._show(action)
        elif answer.status == 409:
            self.not_canceled.append((order_id, answer))

    def _cancel_all(self, action: Action) -> None:
        """Cancel all orders of a client.

        What was open or waiting at the request is over or ends, even if others asked for the same.
        """
        open_before = self._open_orders(action.who)
        self.asked.add(action.who)
        key = f"cancel-all-{action.at}"
        answer = self._request(action.who, "DELETE", ORDERS_PATH, key, None)
        self._cloud.log(action.who, "was told of its cancels", answer.status)
        if answer.status == 202:
            told = answer.json()
            orders = self._now(action.who)
            check_kept((orders[each] for each in ([] if told["more"] else open_before)), "client")
            check_kept((orders[each] for each in told["order_ids"]), "client")
            for order_id in told["order_ids"]:
                self.canceled.setdefault(order_id, self._cloud.engine.now)
            self._repeat_late(action.who, "DELETE", ORDERS_PATH, key, None)

    def _now(self, client_id: str) -> Mapping[str, Item]:
        """A client's orders as they stand in the books."""
        return self._moments[client_id][-1].orders

    def _open_orders(self, client_id: str) -> list[str]:
        return [
            order_id
            for order_id, order in self._now(client_id).items()
            if order["status"] in HOLDING
        ]

    def _replace(self, action: Action) -> None:
        body: dict[str, Any] = {
            n: action.fields[n] for n in ("quantity", "price", "stop_price") if n in action.fields
        }
        if action.fields.get("conflicting"):
            name = f"{action.who} conflicts {action.fields['as']}"
            self._start(name, lambda: self._send_replacement(action, body | {"quantity": 13}))
        self._send_replacement(action, body)

    def _send_replacement(self, action: Action, body: dict[str, Any]) -> None:
        """Ask for a replacement.

        The answer is 202 even if the replacement fails later. It is 4xx if the request comes too
        early or too late, or is invalid.
        """
        key, new_key = action.fields["key"], action.fields["as"]
        path = f"{ORDERS_PATH}/{identifiers.order_id(action.who, key)}"
        answer = self._request(
            action.who, "PATCH", path, new_key, body, action.fields.get("impatient", False)
        )
        self._cloud.log(action.who, "was told of its replacement", new_key, answer.status)
        self.replaced.append(Replaced(action.who, key, new_key, body, answer))
        if answer.status == 409:
            self.not_replaced.append((identifiers.order_id(action.who, key), answer))
        elif answer.status == 202:
            self._show(action)

    def _snoop(self, action: Action) -> None:
        """A client asks for another client's order."""
        order_id = identifiers.order_id(action.fields["client"], action.fields["key"])
        path = f"{ORDERS_PATH}/{order_id}"
        self._tried(action, self._request(action.who, "GET", path, f"snoop-{order_id}", None))

    def _impersonate(self, action: Action) -> None:
        """A client places an order for another client."""
        body = {"client_id": action.fields["client"], "stock_symbol": "KO", "quantity": 1}
        body |= {"order_type": "market", "side": "sell", "time_in_force": "DAY"}
        self._tried(
            action,
            self._request(action.who, "POST", ORDERS_PATH, f"for-{action.fields['key']}", body),
        )

    def _forge(self, action: Action) -> None:
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
        self.intrusions.append((f"{action.who} {action.what}", answer))

    def _internally(self, action: Action, stage: str, of: str) -> None:
        self._request(OPERATOR, "POST", f"/api/v1/{stage}/{of}", f"{stage}-{of}-{action.at}", None)

    def _clear(self, action: Action) -> None:
        order_id = identifiers.order_id(action.fields["client"], action.fields["key"])
        for fill in [
            i for i in self._cloud.dynamodb.items(f"{STAGE}-ledger") if i["kind"]["S"] == "FILL"
        ]:
            if fill["order_id"]["S"] == order_id:
                self._internally(action, "clearing", fill["trade_id"]["S"])

    def _settle_trades(self) -> None:
        due = [
            i
            for i in self._cloud.dynamodb.items(f"{STAGE}-accounts")
            if i["item"]["S"].startswith("OBLIGATION#")
        ]
        for obligation in due[:3]:
            trade_id = obligation["trade_id"]["S"]
            self._request(
                OPERATOR, "POST", f"/api/v1/settlement/{trade_id}", f"settle-{trade_id}", None
            )

    def close_day(self) -> None:
        """Close the day by hand, at any time."""
        event = {"business_date": self._scenario.day.isoformat()}
        self._cloud.lambdas.invoke("day_close", event, "by hand", lambda _: None)

    def settle_by_hand(self) -> None:
        """Run the day's settlement cycle once more."""
        self._requests += 1
        start = {
            "stateMachineArn": self._cloud.cycle_arn,
            "name": f"by-hand-{self._requests}",
            "input": "{}",
        }
        self._cloud.workflows.call("StartExecution", start)

    def redrive(self) -> None:
        """Redrive all mailboxes' DLQs with the operator's own tool. After a failure the rest waits
        for the next redrive.
        """
        target = OperatorsTarget(STAGE, boto3.Session())
        letters = DeadLetters(
            target, AuditLog(target), lambda warning: self._cloud.log(OPERATOR, warning)
        )
        for mailbox in MAILBOXES:
            try:
                done = letters.redrive(DeadLetterQueue(mailbox), None, "simulated")
            except (ClientError, BotoCoreError) as error:
                self._cloud.log(OPERATOR, "cannot redrive", mailbox, str(error))
                continue
            if done.handled:
                self._cloud.log(OPERATOR, "redrove", mailbox, done)

    def redrive_later(self, seconds: float) -> None:
        """Redrive again after a while."""
        self._requests += 1
        name = f"{OPERATOR} redrives {self._requests}"
        self._cloud.engine.after(seconds, lambda: self._start(name, self.redrive))

    def _rotate(self) -> None:
        event = {"scheduled_time": self._scenario.opening.isoformat()}
        self._cloud.scheduled("key_rotation", event, "by hand")
