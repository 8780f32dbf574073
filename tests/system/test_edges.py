"""What strangers reach of the deployed system: callbacks, log-in, headers of every answer."""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local import books, seed
from local.api import TradingClient
from local.aws_client import aws_client
from tests.system.conftest import Administer
from tests.system.test_bad_input import ORDER, assert_problem
from tests.system.waiting import wait_for
from trading.adapters.venues.signatures import signed_headers
from trading.domain import identifiers
from trading.domain.clients.lockout import OF_AN_ADDRESS
from trading.domain.orders.child_order import ChildOrder
from trading.wire import CALLBACK_PATH, TRANSPORT_SECURITY
from workstation.local_system import STAGE, LocalSystem

REPORT = {
    "exchange_id": "XNYS",
    "client_order_id": "ord_00000000000000000000000000000000-1",
    "exchange_order_id": "x-1",
    "account": "alice",
    "symbol": "KO",
    "side": "buy",
    "exec_type": "CANCELED",
    "cumulative_quantity": 0,
    "leaves_quantity": 0,
    "transact_time": "2026-03-02T14:30:00Z",
    "correlation_id": "edges",
}


class Venue:
    """Sends signed reports, and changes them on the way."""

    def __init__(self, system: LocalSystem, callbacks_url: str) -> None:
        self._secrets = aws_client(system, "secretsmanager")
        self._url = callbacks_url

    def report(
        self,
        execution_id: str,
        *,
        key_id: str = "XNYS",
        signed_target: str = CALLBACK_PATH,
        target: str = CALLBACK_PATH,
        age: int = 0,
        added: dict[str, str] | None = None,
        more: str = "",
        **changes: Any,
    ) -> httpx.Response:
        """`more`: further fields, as they are written in JSON."""
        written = json.dumps(REPORT | {"execution_id": execution_id} | changes)
        body = f"{written[:-1]}{more}}}".encode()
        headers = signed_headers(
            key_id,
            self._secret(key_id),
            int(time.time()) - age,
            "POST",
            signed_target,
            body,
            {
                "Content-Type": "application/json",
                "Idempotency-Key": f"{changes.get('exchange_id', 'XNYS')}:{execution_id}",
            },
        )
        return httpx.post(
            self._url + target, content=body, headers=headers | (added or {}), timeout=30
        )

    def _secret(self, key_id: str) -> bytes:
        if key_id.startswith("forged"):
            return b"made up"
        name = f"trading-{STAGE}-venue-{key_id}"
        return str(self._secrets.get_secret_value(SecretId=name)["SecretString"]).encode()


@pytest.fixture
def venue(system: LocalSystem, callbacks_url: str) -> Venue:
    return Venue(system, callbacks_url)


def sent_child(system: LocalSystem, order_id: str) -> ChildOrder | None:
    """The first child of an order, once there is one."""
    orders = books.snapshot(system, day_is_over=False).orders
    return next((o.children[0] for o in orders if o.order_id == order_id and o.children), None)


def test_a_signed_report_is_taken_and_its_repetition_is_harmless(
    system: LocalSystem, venue: Venue, alice: TradingClient, key: str
) -> None:
    order_id = alice.place(ORDER | {"price": "60.00"}, key).json()["order_id"]
    child = wait_for(lambda: sent_child(system, order_id), "a child order")
    acknowledged = {
        "key_id": child.exchange_id,
        "exchange_id": child.exchange_id,
        "client_order_id": identifiers.child_order_id(order_id, child.number),
        "exec_type": "NEW",
    }
    odd_id, odd = f"{key[:20]}/a b=1", ', "reason": "cut \\ud83d", "flags": [1e99, NaN]'
    first, again = (
        venue.report(odd_id, age=age, more=odd + again, **acknowledged)
        for age, again in ((0, ""), (2, ', "poss_dup": true'))
    )
    alice.cancel(order_id, str(uuid4()))
    assert (first.status_code, first.json()) == (200, {"status": "accepted"})
    assert (again.status_code, again.json()) == (200, {"status": "accepted"})


def test_a_disabled_key_signs_nothing_until_it_is_enabled(
    system: LocalSystem,
    venue: Venue,
    alice: TradingClient,
    acting_as: Callable[[str], Administer],
    key: str,
) -> None:
    order_id = alice.place(ORDER | {"price": "60.00"}, key).json()["order_id"]
    child = wait_for(lambda: sent_child(system, order_id), "a child order")
    acknowledged = {
        "key_id": child.exchange_id,
        "exchange_id": child.exchange_id,
        "client_order_id": identifiers.child_order_id(order_id, child.number),
        "exec_type": "NEW",
    }
    path = f"venues/{child.exchange_id}/key"
    operate = acting_as("operator-administrator")
    try:
        assert acting_as("halts")("PUT", f"{path}/disable").json()["status"] == "INACTIVE"
        assert_problem(venue.report(key, **acknowledged), 401, "INVALID_SIGNATURE")
        assert_problem(acting_as("halts")("PUT", f"{path}/enable"), 403, "FORBIDDEN")
    finally:
        assert operate("PUT", f"{path}/enable").json()["status"] == "ACTIVE"
    taken = venue.report(key, age=1, **acknowledged)
    alice.cancel(order_id, str(uuid4()))
    assert (taken.status_code, taken.json()) == (200, {"status": "accepted"})


@pytest.mark.parametrize(
    "change",
    [
        {"target": f"{CALLBACK_PATH}?dry_run=false"},
        {"signed_target": f"{CALLBACK_PATH}?dry_run=true"},
        {"added": {"X-Correlation-Id": "another"}},
        {"added": {"Idempotency-Key": "XNYS:another"}},
        {"added": {"Content-Type": "application/json; charset=utf-8"}},
        {"added": {"X-Timestamp": "1_700_000_000"}},
        {"age": 301},
        {"age": -310},
        {"key_id": "XNAS", "added": {"X-Key-Id": "XNYS"}},
        {"key_id": "depository"},
        {"key_id": "depository", "exchange_id": "depository"},
        {"key_id": "forged-1"},
        {"key_id": "forged-../venue-XNAS"},
    ],
)
def test_a_report_that_is_not_as_its_venue_signed_it_is_refused(
    venue: Venue, key: str, change: dict[str, Any]
) -> None:
    assert_problem(venue.report(key, **change), 401, "INVALID_SIGNATURE")


def test_a_report_that_names_no_account_is_refused_with_the_name_of_the_field(
    venue: Venue, key: str
) -> None:
    answer = venue.report(key, account=7)
    assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [error["field"] for error in answer.json()["errors"]] == ["account"]


def test_an_exchange_reports_for_no_other(venue: Venue, key: str) -> None:
    assert_problem(venue.report(key, key_id="XNAS"), 403, "FORBIDDEN")


def test_every_answer_asks_for_https_alone(
    api_url: str, alice: TradingClient, venue: Venue, key: str
) -> None:
    answers = [
        alice.balance(),
        alice.place(ORDER | {"quantity": 0}, key),
        venue.report(key, key_id="forged-1"),
        httpx.get(f"{api_url}/api/v1/nothing", timeout=30),
        httpx.get(f"{api_url}/api/v1/orders", timeout=30),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 401, 404, 401]
    for answer in answers:
        for name, value in TRANSPORT_SECURITY.items():
            assert answer.headers[name] == value


def test_log_ins_with_made_up_keys_lock_the_address_and_leave_trading_alone(
    api_url: str, system: LocalSystem, alice: TradingClient, key: str
) -> None:
    def log_in(api_key: str, secret: str) -> httpx.Response:
        return httpx.post(
            f"{api_url}/api/v1/auth/token",
            json={"api_key": api_key, "api_secret": secret},
            headers={"Idempotency-Key": f"{key}-{api_key}"},
            timeout=30,
        )

    for number in range(OF_AN_ADDRESS.failures + 1):
        answer = log_in(f"made-up-{number}", "wrong")
        if answer.status_code != 401:
            break
        assert_problem(answer, 401, "INVALID_CREDENTIALS")
    assert_problem(answer, 429, "LOGIN_LOCKED")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    carol = seed.credentials(system)["carol"]
    assert_problem(log_in(carol.api_key, "wrong"), 429, "LOGIN_LOCKED")
    assert log_in(carol.api_key, carol.api_secret).status_code == 200
    assert alice.place(ORDER | {"price": "62.00"}, key).status_code == 201
