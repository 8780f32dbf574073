"""The dead-letter queues on the command line. Looking removes nothing, and every act is recorded
before it happens.
"""

import hashlib
import json
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.integration.backing import PREFIX
from tests.integration.ops.calls import Calls, Crash
from tests.integration.ops.conftest import Operator
from trading.adapters.messaging.mailbox_worker import REDRIVEN
from trading.messages import PollOrder

ACCOUNT = "123456789012"


def poll(order_id: str, client_id: str = "alice") -> str:
    return PollOrder(
        client_id=client_id, correlation_id="corr-1", order_id=order_id
    ).model_dump_json()


def let_a_second_pass() -> None:
    """`--all` handles the messages that were there when it began. The clock of the queue counts in
    seconds.
    """
    time.sleep(1.05)


@pytest.fixture
def calls(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


def arn(kind: str, name: str) -> str:
    return f"arn:aws:{kind}:us-east-1:{ACCOUNT}:{name}"


def test_the_list_counts_reasons_and_its_exit_status_says_if_there_are_messages(
    operator: Operator,
) -> None:
    assert [row["depth"] for row in operator.ask("dlq", "list")] == [0] * 6
    for number in range(3):
        operator.dead_letter(
            "execution", poll(f"ord_{number}"), reason=f"NotFoundError: no order ord_{number}"
        )
    operator.dead_letter("execution", "{", "bob", reason="unreadable: 1 errors")
    listed = {row["queue"]: row for row in operator.ask("dlq", "list", status=1)}
    assert list(listed) == [
        "execution",
        "clearing",
        "settlement",
        "invocations",
        "schedules",
        "events",
    ]
    execution = listed["execution"]
    assert (execution["depth"], execution["seen"]) == (4, 4)
    assert execution["reasons"] == {"NotFoundError": 3, "unreadable": 1}
    assert listed["clearing"]["depth"] == 0
    status, out, _ = operator.run("dlq", "list")
    assert status == 1
    assert "3 × NotFoundError" in out


def test_showing_messages_does_not_change_them(operator: Operator) -> None:
    bodies = [poll(f"ord_{number}") for number in range(5)]
    for body in bodies:
        operator.dead_letter("execution", body, reason="NotFoundError: gone")
    for _ in range(3):
        shown = operator.ask("dlq", "show", "execution")
        assert [letter["body"] for letter in shown] == bodies
    assert operator.ask("dlq", "list", status=1)[0]["depth"] == 5
    received = operator.system.messages("EXECUTION_DLQ_URL")
    assert [message["Body"] for message in received] == bodies, (
        "the messages are visible at once, in order"
    )


def test_an_interrupted_look_makes_the_messages_visible_again(
    operator: Operator, calls: Calls
) -> None:
    operator.dead_letter("execution", poll("ord_1"))
    operator.dead_letter("execution", poll("ord_2"), "bob")

    def refuse_the_second(name: str, _: dict[str, Any]) -> None:
        if name == "ReceiveMessage" and "ReceiveMessage" in calls.names:
            raise ClientError({"Error": {"Code": "Throttled"}}, name)

    calls.before = refuse_the_second
    assert operator.run("dlq", "show", "execution")[0] == 3
    calls.heal()
    assert len(operator.system.messages("EXECUTION_DLQ_URL")) == 2


def test_a_message_is_shown_with_its_group_order_and_reason(operator: Operator) -> None:
    operator.dead_letter("clearing", poll("ord_1"), reason="StaleError after 8 tries: moved")
    wanted = operator.dead_letter(
        "clearing", poll("ord_2", "bob"), "bob", reason="NotFoundError: no order ord_2"
    )
    (letter,) = operator.ask("dlq", "show", "clearing", "--message", wanted)
    assert letter["message_id"] == wanted
    assert (letter["group"], letter["order_id"]) == ("bob", "ord_2")
    assert letter["reason"] == letter["attributes"]["reason"] == "NotFoundError: no order ord_2"
    assert operator.run("dlq", "show", "clearing", "--message", "no-such-id")[0] == 1
    assert wanted in operator.run("dlq", "show", "clearing")[1]


def test_a_message_that_the_queue_itself_moved_has_that_as_its_reason(operator: Operator) -> None:
    operator.dead_letter("execution", poll("ord_1"))
    (letter,) = operator.ask("dlq", "show", "execution")
    assert letter["reason"].startswith("received too often")


def test_a_redriven_message_keeps_its_body_and_group_and_is_marked(operator: Operator) -> None:
    message_id = operator.dead_letter(
        "execution", poll("ord_1"), reason="NotFoundError: no order ord_1"
    )
    assert operator.ask(
        "dlq", "redrive", "execution", "--message", message_id, "--reason", "order restored"
    ) == {
        "redriven": 1,
        "left": 0,
    }
    (message,) = operator.waiting("execution")
    assert message["Body"] == poll("ord_1")
    assert message["Attributes"]["MessageGroupId"] == "alice"
    expected = hashlib.sha256(f"{message_id}#1".encode()).hexdigest()
    assert message["Attributes"]["MessageDeduplicationId"] == expected
    assert message["MessageAttributes"][REDRIVEN]["StringValue"] == message_id
    assert operator.ask("dlq", "show", "execution") == []


def test_all_messages_are_redriven_in_order_except_those_that_come_back(
    operator: Operator, calls: Calls
) -> None:
    bodies = [poll(f"ord_{number}") for number in range(12)]
    for body in bodies:
        operator.dead_letter("execution", body)
    operator.dead_letter("execution", poll("ord_b", "bob"), "bob")
    let_a_second_pass()

    def come_back(name: str, request: dict[str, Any]) -> None:
        if name == "SendMessage" and request["QueueUrl"].endswith("execution.fifo"):
            calls.heal()
            operator.dead_letter("execution", request["MessageBody"] + " ", "alice")

    calls.before = come_back
    answer = operator.ask("dlq", "redrive", "execution", "--all", "--reason", "mended")
    assert answer == {"redriven": 13, "left": 1}
    sent = [
        r
        for name, r in calls.made
        if name == "SendMessage" and r["QueueUrl"].endswith("execution.fifo")
    ]
    assert [r["MessageBody"] for r in sent if r["MessageGroupId"] == "alice"] == bodies
    assert [letter["body"] for letter in operator.ask("dlq", "show", "execution")] == [
        bodies[0] + " "
    ]


def test_the_audit_log_has_operator_and_reason_before_the_act(
    operator: Operator, calls: Calls
) -> None:
    message_id = operator.dead_letter("execution", poll("ord_1"), reason="NotFoundError: gone")
    calls.made.clear()
    operator.ask(
        "dlq", "redrive", "execution", "--message", message_id, "--reason", "order restored"
    )
    mutations = [
        name for name in calls.names if name in ("PutItem", "SendMessage", "DeleteMessage")
    ]
    assert mutations == ["PutItem", "SendMessage", "DeleteMessage", "PutItem"]
    done, announced = operator.ask("audit", "--subject", f"execution/{message_id}")
    assert (announced["action"], done["action"]) == ("redrive", "redriven")
    for entry in (announced, done):
        assert entry["who"].startswith("arn:aws:")
        assert entry["reason"] == "order restored"
    details = announced["details"]
    assert (details["queue"], details["message_id"], details["group"]) == (
        "execution",
        message_id,
        "alice",
    )
    assert details["body"] == poll("ord_1")
    assert details["body_sha256"] == hashlib.sha256(poll("ord_1").encode()).hexdigest()
    assert details["why_it_failed"] == "NotFoundError: gone"


@pytest.mark.parametrize("action", ["redrive", "discard"])
def test_nothing_is_done_without_the_audit_log(
    operator: Operator, calls: Calls, action: str
) -> None:
    message_id = operator.dead_letter("execution", poll("ord_1"))
    operator.system.dynamodb.delete_table(TableName=f"{PREFIX}audit")
    calls.made.clear()
    status, _, err = operator.run(
        "dlq", action, "execution", "--message", message_id, "--reason", "any"
    )
    assert status == 3
    assert "ResourceNotFoundException" in err
    assert not {"SendMessage", "DeleteMessage"} & set(calls.names)
    assert len(operator.ask("dlq", "show", "execution")) == 1


def test_a_redrive_after_a_crash_sends_no_message_twice(operator: Operator, calls: Calls) -> None:
    message_id = operator.dead_letter("execution", poll("ord_1"))
    redrive = ("dlq", "redrive", "execution", "--message", message_id, "--reason", "mended")
    calls.crash_at("DeleteMessage")
    with pytest.raises(Crash):
        operator.run(*redrive)
    calls.heal()
    assert len(operator.ask("dlq", "show", "execution")) == 1, "the message is still in the queue"
    assert operator.ask(*redrive)["redriven"] == 1
    assert operator.ask("dlq", "show", "execution") == []
    (message,) = operator.waiting("execution")
    assert message["Body"] == poll("ord_1"), "the deduplication id was the same"
    actions = [
        entry["action"] for entry in operator.ask("audit", "--subject", f"execution/{message_id}")
    ]
    assert actions == ["redriven", "redrive", "redrive"]


def test_a_lost_answer_of_the_audit_log_does_not_stop_the_command(
    operator: Operator, calls: Calls
) -> None:
    message_id = operator.dead_letter("execution", poll("ord_1"))

    def write_it_twice(name: str, request: dict[str, Any]) -> None:
        if name == "PutItem":
            calls.heal()
            operator.system.dynamodb.put_item(**request)

    calls.before = write_it_twice
    assert (
        operator.ask("dlq", "discard", "execution", "--message", message_id, "--reason", "noise")[
            "discarded"
        ]
        == 1
    )


def test_a_discarded_message_is_kept_only_in_the_audit_log(operator: Operator) -> None:
    kept = operator.dead_letter("execution", poll("ord_1"))
    message_id = operator.dead_letter("execution", "{", "bob", reason="unreadable: 1 errors")
    answer = operator.ask(
        "dlq", "discard", "execution", "--message", message_id, "--reason", "a test of theirs"
    )
    assert answer == {"discarded": 1, "left": 0}
    assert [letter["message_id"] for letter in operator.ask("dlq", "show", "execution")] == [kept]
    assert operator.waiting("execution") == []
    entries = operator.ask("audit")
    assert [entry["action"] for entry in entries] == ["discarded", "discard"]
    assert entries[1]["details"]["body"] == "{"


@pytest.mark.parametrize("choice", [(), ("--all", "--message", "any")])
def test_a_redrive_needs_a_message_or_all_and_a_reason(
    operator: Operator, choice: tuple[str, ...]
) -> None:
    assert operator.run("dlq", "redrive", "execution", "--reason", "x", *choice)[0] == 2
    assert operator.run("dlq", "redrive", "execution", "--all")[0] == 2, "a reason is required too"


def failed_invocation(**changes: Any) -> str:
    """The record that Lambda sends to an on-failure destination."""
    record = {
        "version": "1.0",
        "requestContext": {
            "requestId": "r-1",
            "functionArn": arn("lambda", "function:trading-test-sweeper:$LATEST"),
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"scheduled_time": "2026-01-05T15:00:00Z"},
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorType": "StaleError", "errorMessage": "moved"},
    }
    return json.dumps(record | changes)


@pytest.fixture
def invoked(calls: Calls) -> list[dict[str, Any]]:
    """The invocations and executions that were requested. They are not made."""
    requests: list[dict[str, Any]] = []
    real: Any = calls.before

    def take(name: str, request: dict[str, Any]) -> None:
        real(name, request)
        if name in ("Invoke", "StartExecution"):
            requests.append(request)

    calls.before = take
    calls.answers = {"Invoke": {"StatusCode": 202}, "StartExecution": {"executionArn": "arn"}}
    return requests


def test_a_failed_invocation_is_invoked_again_with_its_event(
    operator: Operator, invoked: list[dict[str, Any]]
) -> None:
    message_id = operator.dead_letter("invocations", failed_invocation())
    (letter,) = operator.ask("dlq", "show", "invocations")
    assert letter["reason"] == "StaleError: moved"
    operator.ask("dlq", "redrive", "invocations", "--message", message_id, "--reason", "mended")
    (request,) = invoked
    assert request["FunctionName"] == arn("lambda", "function:trading-test-sweeper:$LATEST")
    assert request["InvocationType"] == "Event"
    assert json.loads(request["Payload"]) == {"scheduled_time": "2026-01-05T15:00:00Z"}


def test_an_unreadable_record_is_given_to_the_publisher_again(
    operator: Operator, invoked: list[dict[str, Any]], calls: Calls
) -> None:
    record = {"eventSourceARN": "stream", "dynamodb": {"SequenceNumber": "7", "NewImage": {}}}
    body = json.dumps({"keys": None, "source": "stream", "sequence_number": "7", "record": record})
    message_id = operator.dead_letter("events", body, reason="ValueError: no event")
    (letter,) = operator.ask("dlq", "show", "events")
    assert letter["reason"] == "ValueError: no event"
    calls.answers["Invoke"] = {"StatusCode": 200, "FunctionError": "Unhandled"}
    redrive = ("dlq", "redrive", "events", "--message", message_id, "--reason", "mended")
    status, _, err = operator.run(*redrive)
    assert (status, operator.ask("dlq", "list", status=1)[-1]["depth"]) == (1, 1), err
    calls.answers["Invoke"] = {"StatusCode": 200}
    operator.ask(*redrive)
    assert [request["FunctionName"] for request in invoked] == ["trading-test-event-publisher"] * 2
    assert json.loads(invoked[-1]["Payload"]) == {"Records": [record]}
    assert operator.ask("dlq", "list")[-1]["depth"] == 0


def test_an_event_that_the_bus_or_the_log_gave_up_goes_to_the_queue_of_the_log(
    operator: Operator,
) -> None:
    queue = boto3.client("sqs").create_queue(QueueName=f"{PREFIX}events")["QueueUrl"]
    bodies = [json.dumps({"detail": {"id": f"account/alice/{number}"}}) for number in (1, 2)]
    operator.dead_letter("events", bodies[0], ERROR_CODE="THROTTLING", ERROR_MESSAGE="Slow down")
    operator.dead_letter("events", bodies[1])
    reasons = {letter["reason"] for letter in operator.ask("dlq", "show", "events")}
    assert reasons == {"THROTTLING: Slow down", "the log of events could not handle it"}
    let_a_second_pass()
    assert operator.ask("dlq", "redrive", "events", "--all", "--reason", "up again") == {
        "redriven": 2,
        "left": 0,
    }
    received = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    assert sorted(message["Body"] for message in received["Messages"]) == bodies


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            {
                "requestContext": {"condition": "RetryAttemptsExhausted"},
                "DDBStreamBatchInfo": {"startSequenceNumber": "7"},
            },
            "the publisher gave up: RetryAttemptsExhausted",
        ),
        ({"keys": {}, "source": "stream", "sequence_number": "7"}, "too large"),
    ],
)
def test_a_record_that_is_not_in_the_message_cannot_be_published_again(
    operator: Operator, invoked: list[dict[str, Any]], body: dict[str, Any], reason: str
) -> None:
    operator.dead_letter("events", json.dumps(body), reason="too large")
    (letter,) = operator.ask("dlq", "show", "events")
    assert letter["reason"] == reason
    redrive = ("dlq", "redrive", "events", "--message", letter["message_id"])
    status, _, err = operator.run(*redrive, "--reason", "again")
    assert status == 1
    assert "does not hold the record itself" in err
    assert invoked == []


def test_a_failed_schedules_target_gets_its_input_again(
    operator: Operator, invoked: list[dict[str, Any]]
) -> None:
    said = {
        "ERROR_CODE": "ThrottlingException",
        "ERROR_MESSAGE": "Rate exceeded",
        "IS_PAYLOAD_TRUNCATED": "false",
    }
    function, machine = (
        arn("lambda", "function:trading-test-day-close"),
        arn("states", "stateMachine:trading-test-x"),
    )
    first = operator.dead_letter("schedules", '{"kind": "session"}', TARGET_ARN=function, **said)
    second = operator.dead_letter("schedules", "{}", TARGET_ARN=machine, **said)
    reasons = {letter["reason"] for letter in operator.ask("dlq", "show", "schedules")}
    assert reasons == {"ThrottlingException: Rate exceeded"}
    for message_id in (first, second):
        operator.ask("dlq", "redrive", "schedules", "--message", message_id, "--reason", "again")
    invocation, execution = invoked
    assert (invocation["FunctionName"], invocation["Payload"]) == (function, '{"kind": "session"}')
    assert (execution["stateMachineArn"], execution["input"]) == (machine, "{}")
    digest = hashlib.sha256(f"{second}#1".encode()).hexdigest()
    assert execution["name"] == f"redrive-{digest[:32]}", (
        "a second start under the same name would be refused"
    )


@pytest.mark.parametrize(
    ("queue", "body", "attributes"),
    [
        ("invocations", "{}", {}),
        ("invocations", "text", {}),
        ("schedules", "{}", {"TARGET_ARN": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"}),
        (
            "schedules",
            "{}",
            {"TARGET_ARN": "arn:aws:lambda:x:1:function:f", "IS_PAYLOAD_TRUNCATED": "true"},
        ),
    ],
)
def test_a_message_without_a_target_is_left(
    operator: Operator,
    invoked: list[dict[str, Any]],
    queue: str,
    body: str,
    attributes: dict[str, str],
) -> None:
    message_id = operator.dead_letter(queue, body, **attributes)
    status, _, err = operator.run("dlq", "redrive", queue, "--message", message_id, "--reason", "x")
    assert status == 1
    assert message_id in err
    assert invoked == []
    assert len(operator.ask("dlq", "show", queue)) == 1
