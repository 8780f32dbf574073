"""Step Functions: names, tokens and answers as AWS documents them.

The simulated service, moto and the local AWS are compared.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from local.aws_client import aws_client
from tests.simulation.boto import simulated_client
from tests.simulation.contracts.backends import BACKENDS, without
from tests.simulation.contracts.timeline import Workflows

RUNS_NOTHING = "runs nothing, or, told to, in threads that outlive the test"
ANY_TOKEN = "says TaskDoesNotExist of every token that is not open"
ANY_NAME = "takes any name"
ANY_INPUT = "takes any input"
NINETY_DAYS = "would take ninety days: its clock is the real one"
ROLE = "arn:aws:iam::000000000000:role/any"
PATIENCE_SECONDS = 120


@dataclass
class Backend:
    """A Step Functions, an SQS queue for its tasks, and a way to let its time pass."""

    client: Any
    sqs: Any
    queue_url: str
    create: Callable[[str, dict[str, Any]], str]
    wait: Callable[[float], object]

    def machine(self, **task: Any) -> str:
        """The ARN of a state machine that sends a message and waits for an answer."""
        waits = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {
                "QueueUrl": self.queue_url,
                "MessageGroupId.$": "$$.Execution.Name",
                "MessageBody": {"token.$": "$$.Task.Token", "input.$": "$"},
            },
            "TimeoutSeconds": 30,
            "End": True,
            **task,
        }
        return self.create(str(uuid4()), {"StartAt": "Ask", "States": {"Ask": waits}})

    def start(self, machine: str, content: str = "{}", name: str | None = None) -> Any:
        return self.client.start_execution(
            stateMachineArn=machine, name=name or str(uuid4()), input=content
        )

    def message(self) -> Any:
        """The body of the next message."""
        for _ in range(PATIENCE_SECONDS * 10):
            self.wait(0.1)
            received = self.sqs.receive_message(QueueUrl=self.queue_url).get("Messages")
            if received:
                self.sqs.delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=received[0]["ReceiptHandle"]
                )
                return json.loads(received[0]["Body"])
        raise AssertionError("no message came")

    def ended(self, started: Any) -> Any:
        """The description of an execution that is over."""
        for _ in range(PATIENCE_SECONDS * 10):
            self.wait(0.1)
            described = self.client.describe_execution(executionArn=started["executionArn"])
            if described["status"] != "RUNNING":
                return described
        raise AssertionError("still running")

    def refused(self, call: Callable[[], object]) -> str:
        """The error code of a call that must fail."""
        with pytest.raises(ClientError) as refused:
            call()
        return str(refused.value.response["Error"]["Code"])


@pytest.fixture(params=BACKENDS)
def aws(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param == "simulated":
        world = Workflows()
        steps = simulated_client("stepfunctions", world.steps, validate=True)
        sqs = simulated_client("sqs", world.sqs, validate=True)
        yield Backend(
            steps,
            sqs,
            world.queues["execution"],
            world.steps.create_state_machine,
            world.time.pass_by,
        )
        return
    if request.param == "moto":
        request.getfixturevalue("moto_aws")
        steps, sqs = boto3.client("stepfunctions"), boto3.client("sqs")
    else:
        system = request.getfixturevalue("local_aws")
        steps, sqs = aws_client(system, "stepfunctions"), aws_client(system, "sqs")
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName=f"{uuid4()}.fifo", Attributes=fifo)["QueueUrl"]

    def create(name: str, definition: dict[str, Any]) -> str:
        arn: str = steps.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=ROLE
        )["stateMachineArn"]
        return arn

    yield Backend(steps, sqs, url, create, time.sleep)


@pytest.fixture
def machine(aws: Backend) -> str:
    return aws.machine()


@without(moto=RUNS_NOTHING)
def test_an_answer_to_the_token_is_the_states_result(aws: Backend, machine: str) -> None:
    started = aws.start(machine, '{"a": 1}')
    asked = aws.message()
    assert asked["input"] == {"a": 1}
    aws.client.send_task_success(taskToken=asked["token"], output='{"b": "2"}')
    described = aws.ended(started)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", {"b": "2"})
    assert described["stopDate"] >= described["startDate"]


@without(moto=RUNS_NOTHING)
def test_a_failure_has_error_and_cause(aws: Backend, machine: str) -> None:
    started = aws.start(machine)
    aws.client.send_task_failure(
        taskToken=aws.message()["token"], error="OrderClosed", cause="nothing executed"
    )
    described = aws.ended(started)
    assert (described["status"], described["error"], described["cause"]) == (
        "FAILED",
        "OrderClosed",
        "nothing executed",
    )


def test_a_name_is_an_executions_for_good(aws: Backend, machine: str) -> None:
    started = aws.start(machine, '{"a": 1}', "O-1")
    assert started["executionArn"].endswith(":O-1")
    assert aws.refused(lambda: aws.start(machine, '{"a": 2}', "O-1")) == "ExecutionAlreadyExists"
    aws.client.stop_execution(executionArn=started["executionArn"])
    assert aws.ended(started)["status"] == "ABORTED"
    assert aws.refused(lambda: aws.start(machine, '{"a": 1}', "O-1")) == "ExecutionAlreadyExists"


@without(local="refuses a name that is in use, whatever the input")
def test_the_same_start_again_while_it_runs_is_the_same_execution(
    aws: Backend, machine: str
) -> None:
    first, second = aws.start(machine, '{"a": 1}', "O-1"), aws.start(machine, '{"a": 1}', "O-1")
    assert (first["executionArn"], first["startDate"]) == (
        second["executionArn"],
        second["startDate"],
    )
    assert len(aws.client.list_executions(stateMachineArn=machine)["executions"]) == 1


@without(moto=NINETY_DAYS, local=NINETY_DAYS)
def test_ninety_days_after_it_closed_a_name_is_free(aws: Backend, machine: str) -> None:
    started = aws.start(machine, "{}", "O-1")
    aws.client.stop_execution(executionArn=started["executionArn"])
    aws.wait(90 * 86_400 - 1)
    assert aws.refused(lambda: aws.start(machine, "{}", "O-1")) == "ExecutionAlreadyExists"
    aws.wait(2)
    again = aws.start(machine, "{}", "O-1")
    assert again["startDate"] > started["startDate"]


@without(moto=ANY_NAME, local=ANY_NAME)
def test_a_name_has_up_to_eighty_characters_and_none_that_are_special(
    aws: Backend, machine: str
) -> None:
    for name in ("two words", "a/b", "a:b", "a*", "x" * 81):
        assert aws.refused(lambda name=name: aws.start(machine, "{}", name)) == "InvalidName", name  # type: ignore[misc]
    aws.start(machine, "{}", "x" * 80)


@without(moto=ANY_INPUT, local=ANY_INPUT)
def test_an_input_is_json(aws: Backend, machine: str) -> None:
    assert aws.refused(lambda: aws.start(machine, "{")) == "InvalidExecutionInput"


def test_what_does_not_exist_is_refused_by_name(aws: Backend, machine: str) -> None:
    exceptions = aws.client.exceptions
    with pytest.raises(exceptions.StateMachineDoesNotExist):
        aws.start(f"{machine}-not")
    nobody = machine.replace(":stateMachine:", ":execution:") + ":nobody"
    with pytest.raises(exceptions.ExecutionDoesNotExist):
        aws.client.describe_execution(executionArn=nobody)
    with pytest.raises(exceptions.ExecutionDoesNotExist):
        aws.client.stop_execution(executionArn=nobody)


@without(moto=RUNS_NOTHING, local=ANY_TOKEN)
def test_a_token_can_be_used_once(aws: Backend, machine: str) -> None:
    aws.start(machine)
    token = aws.message()["token"]
    aws.client.send_task_success(taskToken=token, output="{}")
    for answer in answers(aws, token):
        with pytest.raises(aws.client.exceptions.TaskTimedOut):
            answer()


@without(moto=RUNS_NOTHING, local=ANY_TOKEN)
def test_a_token_dies_with_its_timeout(aws: Backend) -> None:
    started = aws.start(aws.machine(TimeoutSeconds=1))
    token = aws.message()["token"]
    described = aws.ended(started)
    assert (described["status"], described["error"]) == ("FAILED", "States.Timeout")
    assert "output" not in described
    with pytest.raises(aws.client.exceptions.TaskTimedOut):
        aws.client.send_task_success(taskToken=token, output="{}")


@without(moto=RUNS_NOTHING, local=ANY_TOKEN)
def test_a_token_dies_with_its_execution(aws: Backend, machine: str) -> None:
    started = aws.start(machine)
    token = aws.message()["token"]
    stopped = aws.client.stop_execution(
        executionArn=started["executionArn"], error="Operator", cause="by hand"
    )
    described = aws.ended(started)
    assert (described["status"], described["stopDate"]) == ("ABORTED", stopped["stopDate"])
    assert (described["error"], described["cause"]) == ("Operator", "by hand")
    with pytest.raises(aws.client.exceptions.TaskTimedOut):
        aws.client.send_task_success(taskToken=token, output="{}")


@without(moto=RUNS_NOTHING, local=ANY_TOKEN)
def test_what_was_never_a_token_is_refused(aws: Backend) -> None:
    for answer in answers(aws, "nobody's"):
        with pytest.raises(aws.client.exceptions.InvalidToken):
            answer()


@without(moto=RUNS_NOTHING, local="takes what is no JSON")
def test_an_answer_is_json_and_another_may_follow_one_that_is_not(
    aws: Backend, machine: str
) -> None:
    started = aws.start(machine)
    token = aws.message()["token"]
    for output in ("{", "NaN", ""):
        with pytest.raises(aws.client.exceptions.InvalidOutput):
            aws.client.send_task_success(taskToken=token, output=output)
    aws.client.send_task_heartbeat(taskToken=token)
    aws.client.send_task_success(taskToken=token, output='"done"')
    assert aws.ended(started)["output"] == '"done"'


def test_executions_are_listed_newest_first_by_status_and_page(aws: Backend, machine: str) -> None:
    started = []
    for number in range(3):
        started.append(aws.start(machine, "{}", f"O-{number}"))
        aws.wait(0.01)
    aws.client.stop_execution(executionArn=started[0]["executionArn"])
    aws.ended(started[0])

    def names(**asked: Any) -> list[str]:
        answer = aws.client.list_executions(stateMachineArn=machine, **asked)
        return [execution["name"] for execution in answer["executions"]]

    assert names(statusFilter="RUNNING") == ["O-2", "O-1"]
    assert names(statusFilter="ABORTED") == ["O-0"]
    pages = aws.client.get_paginator("list_executions").paginate(
        stateMachineArn=machine, statusFilter="RUNNING", PaginationConfig={"PageSize": 1}
    )
    assert [[execution["name"] for execution in page["executions"]] for page in pages] == [
        ["O-2"],
        ["O-1"],
    ]


@without(moto=RUNS_NOTHING, local="leaves out TaskStarted and the exits")
def test_a_history_tells_what_happened(aws: Backend, machine: str) -> None:
    started = aws.start(machine)
    aws.client.send_task_success(taskToken=aws.message()["token"], output="{}")
    aws.ended(started)
    events = aws.client.get_execution_history(executionArn=started["executionArn"])["events"]
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert events[1]["stateEnteredEventDetails"]["name"] == "Ask"


def answers(aws: Backend, token: str) -> list[Callable[[], object]]:
    """Every kind of answer to a token."""
    return [
        lambda: aws.client.send_task_success(taskToken=token, output="{}"),
        lambda: aws.client.send_task_failure(taskToken=token),
        lambda: aws.client.send_task_heartbeat(taskToken=token),
    ]
