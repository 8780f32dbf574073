import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.common import CaseInsensitiveDict

from tests.fakes.api_events import header, request
from tests.integration.api.conftest import EXCHANGE_SECRET, World
from trading.adapters.http import request_reading
from trading.adapters.venues.signatures import SIGNED_HEADERS, signed_headers
from trading.messages import EXECUTION_MESSAGE, ReportReceived
from trading.wire import CALLBACK_PATH, ExecutionReport

Build = Callable[[], dict[str, Any]]

REPORT: dict[str, Any] = {
    "exchange_id": "XNYS",
    "execution_id": "exec-1",
    "client_order_id": "ord_1-1",
    "exchange_order_id": "x-1",
    "account": "alice",
    "symbol": "KO",
    "side": "buy",
    "exec_type": "TRADE",
    "last_quantity": 10,
    "last_price": "60.10",
    "cumulative_quantity": 10,
    "leaves_quantity": 0,
    "transact_time": "2026-03-02T14:30:00Z",
    "correlation_id": "corr-1",
}
UNSIGNED = {
    "accept-encoding": "Powertools asks for it only to compress an answer",
    "cookie": "Powertools parses it for parameters of routes, and the callback has none there",
    "origin": "it matters only where pages may read the answers, and no page calls back",
}
"""Headers that the library reads although nothing depends on them."""


def report(
    report: dict[str, Any] = REPORT,
    *,
    key: str = "XNYS:exec-1",
    signer: str = "XNYS",
    secret: str = EXCHANGE_SECRET,
    age: int = 0,
    raw: str | None = None,
) -> dict[str, Any]:
    body = json.dumps(report) if raw is None else raw
    headers = signed_headers(
        signer,
        secret.encode(),
        int(time.time()) - age,
        "POST",
        CALLBACK_PATH,
        body.encode(),
        {"Content-Type": "application/json", "Idempotency-Key": key},
    )
    return request("POST", CALLBACK_PATH, raw_body=body, headers=headers)


def deliver(world: World, event: dict[str, Any]) -> tuple[int, dict[str, Any], Any]:
    answer = world.call("callbacks", event)
    return answer["statusCode"], json.loads(answer["body"]), answer


def taken(world: World) -> int:
    """Take the messages out of the mailbox. Answers how many there were."""
    messages = world.messages()
    for message in messages:
        world.sqs.delete_message(QueueUrl=world.queue_url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def test_a_report_is_accepted_when_it_is_in_the_clients_mailbox(world: World) -> None:
    status, body, _ = deliver(world, report())
    assert (status, body) == (200, {"status": "accepted"})
    (message,) = world.messages()
    assert message["Attributes"]["MessageGroupId"] == "alice"
    received = EXECUTION_MESSAGE.validate_json(message["Body"])
    assert isinstance(received, ReportReceived)
    assert received.correlation_id == "corr-1"
    assert received.report.model_dump(mode="json", exclude_none=True) == REPORT | {
        "transact_time": "2026-03-02T14:30:00.000000Z",
        "busted_quantity": 0,
    }


def test_a_duplicate_is_acknowledged_and_not_enqueued_again(world: World) -> None:
    deliver(world, report())
    assert len(world.messages()) == 1
    status, body, _ = deliver(world, report(age=3))
    assert (status, body) == (200, {"status": "accepted"})
    assert world.messages() == []


def test_a_disabled_key_is_refused_at_once_and_the_report_is_taken_later(world: World) -> None:
    deliver(world, report(REPORT | {"execution_id": "exec-0"}, key="XNYS:exec-0"))
    assert taken(world) == 1
    world.add_exchange("XNYS", key_status="INACTIVE")
    for repeated in (report(), report(REPORT | {"execution_id": "exec-0"}, key="XNYS:exec-0")):
        status, body, _ = deliver(world, repeated)
        assert (status, body["code"]) == (401, "INVALID_SIGNATURE")
        assert "disabled" not in json.dumps(body)
    assert taken(world) == 0
    world.add_exchange("XNYS", key_status="ACTIVE")
    assert deliver(world, report())[0] == 200
    assert taken(world) == 1


def test_an_exchange_that_is_not_in_the_reference_data_has_no_key(world: World) -> None:
    key = {"kind": {"S": "EXCHANGE"}, "id": {"S": "XNYS"}}
    world.dynamodb.delete_item(TableName="trading-test-reference", Key=key)
    assert deliver(world, report())[0] == 401


def test_while_the_status_of_a_key_cannot_be_read_the_report_comes_again(world: World) -> None:
    world.dynamodb.delete_table(TableName="trading-test-reference")
    status, body, _ = deliver(world, report())
    assert (status, body["code"]) == (503, "UNAVAILABLE")
    assert taken(world) == 0


def test_only_a_true_signature_costs_a_read(world: World) -> None:
    seen: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        seen.append(params)

    events = world.function("callbacks").api.venue_keys._client.meta.events
    events.register("provide-client-params.dynamodb.GetItem", note)
    deliver(world, report(secret="another secret, of somebody else"))
    assert seen == []
    deliver(world, report())
    assert [(each["TableName"], each["ConsistentRead"]) for each in seen] == [
        ("trading-test-reference", True)
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"poss_dup": True},
        {"unheard_of": {"deep": [1]}},
        {"correlation_id": "corr-2"},
        {"last_price": "60.100", "transact_time": "2026-03-02T15:30:00+01:00"},
    ],
)
def test_a_report_that_says_the_same_is_the_same(world: World, more: dict[str, Any]) -> None:
    deliver(world, report())
    assert len(world.messages()) == 1
    status, body, _ = deliver(world, report(REPORT | more))
    assert (status, body) == (200, {"status": "accepted"})
    assert world.messages() == []


OTHER_VALUES: dict[str, Any] = {
    "client_order_id": "ord_1-2",
    "exchange_order_id": "x-2",
    "account": "bob",
    "symbol": "V",
    "side": "sell",
    "exec_type": "CORRECT",
    "reference_execution_id": "exec-0",
    "busted_quantity": 1,
    "last_quantity": 9,
    "last_price": "60.11",
    "cumulative_quantity": 11,
    "leaves_quantity": 1,
    "reason": "so it is",
    "transact_time": "2026-03-02T14:30:00.000001Z",
}


def test_something_else_under_a_known_execution_id_reaches_the_books_once(world: World) -> None:
    """Each field counts. The key has the exchange and the id."""
    not_compared = {"exchange_id", "execution_id", "not_understood", "correlation_id"}
    assert {*OTHER_VALUES} == {*ExecutionReport.model_fields} - not_compared
    deliver(world, report())
    assert taken(world) == 1
    for name, value in OTHER_VALUES.items():
        for expected in (1, 0):
            status, body, _ = deliver(world, report(REPORT | {name: value}))
            assert (status, body) == (200, {"status": "accepted"}), name
            assert taken(world) == expected, name
    deliver(world, report())
    assert taken(world) == 0


@pytest.mark.parametrize(
    "build",
    [
        lambda: report(secret="not the secret of XNYS, whatever it is"),
        lambda: report(age=302),
        lambda: report(age=-310),
        lambda: report(signer="XNAS"),
        lambda: report(signer="../signing-key"),
        lambda: report(raw="{not json", secret="wrong"),
        lambda: report() | {"body": json.dumps(REPORT | {"last_quantity": 1000})},
        lambda: request("POST", CALLBACK_PATH, REPORT, headers={"Idempotency-Key": "XNYS:exec-1"}),
    ],
)
def test_a_request_without_a_current_venue_signature_is_refused_unread(
    world: World, build: Build
) -> None:
    status, body, _ = deliver(world, build())
    assert (status, body["code"]) == (401, "INVALID_SIGNATURE")
    assert world.messages() == []
    assert world.items("idempotency") == []


def test_whatever_is_read_of_a_report_is_signed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()

    def recording(method: Callable[..., Any]) -> Callable[..., Any]:
        def record(owner: Any, name: str, *default: Any) -> Any:
            read.add(name.lower())
            return method(owner, name, *default)

        return record

    ours = request_reading._header_values
    monkeypatch.setattr(request_reading, "_header_values", recording(ours))
    for method in ("get", "__getitem__", "__contains__"):
        own = getattr(CaseInsensitiveDict, method)
        monkeypatch.setattr(CaseInsensitiveDict, method, recording(own))
    assert deliver(world, report())[0] == 200
    assert {"content-type", "idempotency-key", "x-correlation-id", "x-key-id"} <= read
    assert read - UNSIGNED.keys() <= set(SIGNED_HEADERS)


@pytest.mark.parametrize(
    "changed",
    [
        {"Idempotency-Key": "XNYS:exec-2"},
        {"X-Correlation-Id": "another"},
        {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_a_signed_report_with_another_header_is_refused(
    world: World, changed: dict[str, str]
) -> None:
    event = report()
    for name, value in changed.items():
        event["headers"][name] = value
        event["multiValueHeaders"][name] = [value]
    status, body, _ = deliver(world, event)
    assert (status, body["code"]) == (401, "INVALID_SIGNATURE")


def test_a_signed_report_with_a_query_is_refused(world: World) -> None:
    event = report() | {
        "queryStringParameters": {"test": "1"},
        "multiValueQueryStringParameters": {"test": ["1"]},
    }
    status, body, _ = deliver(world, event)
    assert (status, body["code"]) == (401, "INVALID_SIGNATURE")


def test_the_key_of_the_depository_reports_no_execution(world: World) -> None:
    world.secrets_manager.create_secret(
        Name="trading-test-venue-depository", SecretString="the depository's"
    )
    signed = report(
        REPORT | {"exchange_id": "depository"},
        key="depository:exec-1",
        signer="depository",
        secret="the depository's",
    )
    status, body, _ = deliver(world, signed)
    assert (status, body["code"]) == (401, "INVALID_SIGNATURE")


def test_forged_key_ids_cost_no_call(world: World) -> None:
    function = world.function("callbacks")
    client = function.api.venue_secrets._secrets["XNYS"]._client
    asked: list[dict[str, Any]] = []
    client.meta.events.register(
        "before-call.secrets-manager", lambda params, **_: asked.append(params)
    )
    assert deliver(world, report())[0] == 200
    first = len(asked)
    assert first
    for number in range(256):
        status, body, _ = deliver(world, report(signer=f"forged-{number}"))
        assert (status, body["code"]) == (401, "INVALID_SIGNATURE")
    assert deliver(world, report(age=3))[0] == 200
    assert len(asked) == first


def test_a_report_is_not_refused_while_the_secret_cannot_be_read(world: World) -> None:
    world.secrets_manager.delete_secret(
        SecretId="trading-test-venue-XNYS", ForceDeleteWithoutRecovery=False
    )
    status, body, _ = deliver(world, report())
    assert (status, body["code"]) == (503, "UNAVAILABLE")


def test_both_secrets_are_valid_during_rotation(world: World) -> None:
    world.secrets_manager.put_secret_value(
        SecretId="trading-test-venue-XNYS", SecretString="the new secret of XNYS"
    )
    assert deliver(world, report())[0] == 200
    second = REPORT | {"execution_id": "exec-2"}
    assert (
        deliver(world, report(second, key="XNYS:exec-2", secret="the new secret of XNYS"))[0] == 200
    )


@pytest.mark.parametrize(
    ("build", "status", "code"),
    [
        (lambda: report(REPORT | {"exchange_id": "XNAS"}, key="XNAS:exec-1"), 403, "FORBIDDEN"),
        (lambda: report(key="XNYS:exec-2"), 422, "IDEMPOTENCY_KEY_MISMATCH"),
        (lambda: report(REPORT | {"account": "no such / name"}), 422, "VALIDATION_FAILED"),
        (
            lambda: report({k: v for k, v in REPORT.items() if k != "account"}),
            422,
            "VALIDATION_FAILED",
        ),
        (lambda: report(raw="{not json"), 400, "MALFORMED_JSON"),
    ],
)
def test_a_signed_report_must_also_be_valid(
    world: World, build: Build, status: int, code: str
) -> None:
    got, body, _ = deliver(world, build())
    assert (got, body["code"]) == (status, code)
    assert world.messages() == []


def test_a_report_that_cannot_be_made_durable_is_not_acknowledged(world: World) -> None:
    world.sqs.delete_queue(QueueUrl=world.queue_url)
    status, body, answer = deliver(world, report())
    assert (status, body["code"]) == (503, "UNAVAILABLE")
    assert header(answer, "Retry-After") == "1"
    world.sqs.create_queue(
        QueueName="trading-test-execution.fifo", Attributes={"FifoQueue": "true"}
    )
    assert deliver(world, report())[0] == 200
    assert len(world.messages()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": {"deep": [1]}},
        {"exec_type": "PENDING_CANCEL", "last_price": "0", "last_quantity": 0},
        {"exec_type": "CANCELED", "last_price": "0", "last_quantity": 0},
        {"transact_time": "0001-01-01T00:00:00+14:00"},
        {"reason": "long" * 1000},
        {"last_quantity": 10**30},
    ],
)
def test_what_is_not_understood_does_not_hold_a_report_up(
    world: World, changes: dict[str, Any]
) -> None:
    status, body, _ = deliver(world, report(REPORT | changes))
    assert (status, body) == (200, {"status": "accepted"})
    (message,) = world.messages()
    received = EXECUTION_MESSAGE.validate_json(message["Body"])
    assert isinstance(received, ReportReceived)
    aside = dict(received.report.set_aside())
    assert set(aside) <= set(changes)
    assert bool(aside) is ("reason" not in changes)
