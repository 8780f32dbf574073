"""Signed requests at the real tables: each attack is refused and changes nothing, and clients may
want all their orders signed.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.fakes.api_events import header, principal, request
from tests.fakes.signing import signed, with_headers
from tests.integration.backing import PREFIX
from tests.integration.signing import SECRET, add_key
from tests.integration.system import System
from tests.integration.trading.admin import OPERATOR, admin_event, ask, audited, show, stored
from tests.integration.trading.books import items
from tests.integration.trading.orders import new_order, place
from trading.adapters.dynamodb.transactions import to_item
from trading.adapters.identity import passwords
from trading.domain.clients.credentials import CLIENT_PERMISSIONS, Credential

CASH = {"reference": "wire-1", "amount": "1.00"}
TABLES = ("accounts", "clients", "credentials", "ledger", "audit", "idempotency")
ALICES_SECRET = "the secret of alice"


@pytest.fixture(autouse=True)
def operator(system: System) -> None:
    add_key(system.dynamodb, OPERATOR)


def withdrawal(client_id: str = "alice", key: str = "wire-1", **body: Any) -> dict[str, Any]:
    return admin_event("POST", f"clients/{client_id}/withdrawals", CASH | body, key)


def send(system: System, event: dict[str, Any], function: str = "admin") -> tuple[int, str]:
    """Send an event as it is. Answers the status, and the code of a problem."""
    answer = system.invoke(function, event)
    body = json.loads(answer["body"])
    return answer["statusCode"], str(body.get("code", ""))


def nonces(system: System) -> list[dict[str, Any]]:
    control = items(system.dynamodb, f"{PREFIX}control")
    return [item for item in control if item["name"].startswith("NONCE#")]


REFUSED = (401, "INVALID_SIGNATURE")


def test_a_withdrawal_is_booked_once_and_its_nonce_is_remembered(system: System) -> None:
    event = signed(withdrawal(), SECRET, system.now(), nonce="0123456789abcdef")
    assert send(system, event)[0] == 201
    before = stored(system, TABLES)
    assert send(system, event) == REFUSED
    assert stored(system, TABLES) == before
    (nonce,) = nonces(system)
    assert nonce["name"] == "NONCE#key-operations#0123456789abcdef"
    kept = int(nonce["expires_at"]) - system.now().timestamp()
    assert kept > timedelta(minutes=5, seconds=30).total_seconds()
    again = signed(withdrawal(), SECRET, system.now())
    answer = system.invoke("admin", again)
    assert (answer["statusCode"], header(answer, "Idempotency-Replayed")) == (201, "true")


@pytest.mark.parametrize(
    "attack",
    [
        lambda system, event: with_headers(event, withdrawal()["headers"]),
        lambda system, event: event | {"body": event["body"].replace("1.00", "9.00")},
        lambda system, event: event | {"path": event["path"].replace("alice", "bob")},
        lambda system, event: (
            event
            | {
                "queryStringParameters": {"fast": "1"},
                "multiValueQueryStringParameters": {"fast": ["1"]},
            }
        ),
        lambda system, event: with_headers(
            event, event["headers"] | {"Authorization": "Bearer another-token"}
        ),
        lambda system, event: with_headers(
            event, event["headers"] | {"Idempotency-Key": "another-key"}
        ),
        lambda system, event: signed(withdrawal(), "another secret", system.now()),
        lambda system, event: signed(withdrawal(), SECRET, system.now(), api_key="key-anna"),
        lambda system, event: signed(withdrawal(), SECRET, system.now() - timedelta(seconds=301)),
        lambda system, event: signed(withdrawal(), SECRET, system.now() + timedelta(seconds=31)),
    ],
    ids=[
        "no signature",
        "body",
        "path",
        "query",
        "token",
        "idempotency key",
        "secret",
        "api key",
        "late",
        "early",
    ],
)
def test_an_attack_is_refused_and_changes_nothing(
    system: System, attack: Callable[[System, dict[str, Any]], dict[str, Any]]
) -> None:
    event = signed(withdrawal(), SECRET, system.now())
    system.function("admin")
    before = stored(system, TABLES)
    status, code = send(system, attack(system, event))
    assert (status, code) in (REFUSED, (401, "SIGNATURE_REQUIRED"))
    assert stored(system, TABLES) == before
    assert nonces(system) == []
    assert send(system, event)[0] == 201, "a forgery uses up no nonce"


@pytest.mark.parametrize(
    ("function", "event"),
    [
        ("admin", withdrawal()),
        ("admin", admin_event("POST", "clients/alice/secret-rotation", {"api_key": "k"})),
        ("admin", admin_event("PUT", "clients/alice/signing", {"required": False})),
        ("admin", admin_event("POST", "clients/alice/second-factor-reset")),
        ("admin", admin_event("PUT", "clients/alice/keys/key-1/public-key", {"public_key": None})),
        ("admin", admin_event("POST", "proposals/prp_1/approval")),
        ("internal", request("POST", "/api/v1/settlement/trd_1", authorizer=OPERATOR)),
    ],
    ids=["withdrawal", "rotation", "signing", "reset", "public key", "approval", "settlement"],
)
def test_each_sensitive_route_needs_a_signature(
    system: System, function: str, event: dict[str, Any]
) -> None:
    assert send(system, event, function) == (401, "SIGNATURE_REQUIRED")
    late = signed(event, SECRET, system.now() - timedelta(hours=1))
    assert send(system, late, function) == REFUSED
    assert send(system, signed(event, SECRET, system.now()), function)[0] in (200, 201, 404)


def test_a_write_whose_answer_was_lost_is_no_second_use(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore sends the same write again. Here the first one stands already."""
    app = system.function("admin").app
    client = app._signed.signatures.use_nonce.__self__._client
    write, calls = client.update_item, []

    def twice(**parameters: Any) -> Any:
        calls.append(parameters)
        write(**parameters)
        return write(**parameters)

    monkeypatch.setattr(client, "update_item", twice)
    assert send(system, signed(withdrawal(), SECRET, system.now()))[0] == 201
    assert len(calls) == 1


@pytest.mark.parametrize("call", ["get_item", "update_item"])
def test_while_a_table_does_not_answer_nothing_is_let_in(
    system: System, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    app = system.function("admin").app
    before = stored(system, TABLES)

    def hangs(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://dynamodb")

    with monkeypatch.context() as patched:
        keys, nonces = app._signed.credential.__self__, app._signed.signatures.use_nonce.__self__
        patched.setattr((keys if call == "get_item" else nonces)._client, call, hangs)
        event = signed(withdrawal(), SECRET, system.now())
        assert send(system, event) == (503, "UNAVAILABLE")
    assert stored(system, TABLES) == before
    assert send(system, signed(withdrawal(), SECRET, system.now()))[0] == 201


def test_an_old_secret_signs_for_its_grace_time(system: System) -> None:
    old, new = passwords.stored("old"), passwords.stored("new")
    until = system.now() + timedelta(minutes=1)
    credential = Credential(
        api_key="key-operations",
        client_id="operations",
        secrets=(new, old),
        previous_valid_until=until,
        permissions=("transfers:write",),
        audience="trading-internal",
    )
    system.dynamodb.put_item(
        TableName=f"{PREFIX}credentials", Item=to_item(credential.model_dump())
    )
    for number, secret in enumerate(("old", "new")):
        event = withdrawal(key=f"wire-{number}", reference=f"wire-{number}")
        assert send(system, signed(event, secret, system.now()))[0] == 201
    system.venues.now += timedelta(minutes=1)
    event = withdrawal(key="late", reference="late")
    assert send(system, signed(event, "old", system.now())) == REFUSED
    assert send(system, signed(event, "new", system.now()))[0] == 201


@pytest.fixture
def alice_signs(system: System) -> None:
    """Alice wants her orders signed, and has an API key with a secret."""
    credential = Credential(
        api_key="key-alice",
        client_id="alice",
        secrets=(passwords.stored(ALICES_SECRET),),
        permissions=CLIENT_PERMISSIONS,
    )
    system.dynamodb.put_item(
        TableName=f"{PREFIX}credentials", Item=to_item(credential.model_dump())
    )
    status, profile, _ = ask(system, "PUT", "clients/alice/signing", {"required": True})
    assert (status, profile["signed_orders"]) == (200, True)


def changes(order_id: str) -> list[dict[str, Any]]:
    """Every request that places or changes orders."""
    alice, order = principal("alice"), f"/api/v1/orders/{order_id}"
    named = {"client_order_id": "nothing"}
    query = {
        "queryStringParameters": named,
        "multiValueQueryStringParameters": {name: [value] for name, value in named.items()},
    }
    market = {"symbol": "KO", "quantity": 1, "side": "buy"}
    return [
        new_order("p-1", permissions="orders:write"),
        request("POST", "/api/v1/trade/place", market, authorizer=alice),
        request("POST", "/api/v1/place-trade", market, authorizer=alice),
        request("PATCH", order, {"quantity": 90}, authorizer=alice),
        request("DELETE", order, authorizer=alice),
        request("DELETE", "/api/v1/orders", authorizer=alice),
        request("DELETE", "/api/v1/orders:by_client_order_id", authorizer=alice) | query,
        request("POST", f"/api/v1/trade/{order_id}/cancel", authorizer=alice),
    ]


@pytest.mark.usefixtures("alice_signs")
def test_a_client_who_wants_it_signs_each_order_and_change(system: System) -> None:
    for event in changes("ord_" + 32 * "0"):
        assert send(system, event, "orders") == (401, "SIGNATURE_REQUIRED"), event["path"]
        wrong = signed(event, "another secret", system.now())
        assert send(system, wrong, "orders") == REFUSED, event["path"]
        status, code = send(system, signed(event, ALICES_SECRET, system.now()), "orders")
        assert status != 401, (event["path"], code)
    order = signed(new_order("p-2"), ALICES_SECRET, system.now())
    assert send(system, order, "orders")[0] == 201
    assert send(system, order, "orders") == REFUSED
    read = request("GET", "/api/v1/orders", authorizer=principal("alice"))
    assert send(system, read, "orders")[0] == 200


@pytest.mark.usefixtures("alice_signs")
def test_others_need_not_sign_and_alice_may_stop(system: System) -> None:
    place(system, client_id="bob")
    assert audited(system, "client/alice") == ["set-signing", "signing-set"]
    assert send(system, new_order("p-1"), "orders") == (401, "SIGNATURE_REQUIRED")
    version = show(system, "alice")["version"]
    for _ in range(2):
        status, profile, _ = ask(system, "PUT", "clients/alice/signing", {"required": False}, "off")
        assert (status, profile["signed_orders"]) == (200, False)
    assert show(system, "alice")["version"] == version + 1
    system.venues.now += timedelta(seconds=11)
    assert send(system, new_order("p-1"), "orders")[0] == 201
