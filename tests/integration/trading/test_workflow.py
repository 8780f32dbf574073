"""The adapter of OrderLifecycle, against the real definition on a mock that runs it, and against
every kind of dead token.
"""

import json
import time
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.integration.system import System
from tests.integration.trading.entities import order
from trading.adapters.messaging.workflow import OrderLifecycle
from trading.adapters.runtime.clock import now
from trading.domain.values import TimeInForce


@pytest.fixture
def lifecycle(system: System) -> OrderLifecycle:
    return OrderLifecycle(system.stepfunctions, now, system.lifecycle_arn)


def test_an_order_has_one_workflow_even_while_it_runs(
    lifecycle: OrderLifecycle, system: System
) -> None:
    assert lifecycle.start(order()) is True
    assert lifecycle.start(order()) is False
    (execution,) = system.stepfunctions.list_executions(stateMachineArn=system.lifecycle_arn)[
        "executions"
    ]
    assert execution["name"] == order().order_id


@pytest.mark.parametrize(
    ("time_in_force", "days"),
    [(TimeInForce.DAY, 5), (TimeInForce.GTC, 95), (TimeInForce.FOK, 15 / 1440)],
)
def test_the_execute_state_waits_longer_than_the_order_can_be_open(
    time_in_force: TimeInForce, days: float
) -> None:
    client: Any = boto3.client("stepfunctions", region_name="us-east-1")
    sent: list[str] = []
    client.meta.events.register(
        "provide-client-params.sfn.StartExecution", lambda params, **_: sent.append(params["input"])
    )
    with Stubber(client) as stub:
        stub.add_response("start_execution", {"executionArn": "arn:aws:states:x", "startDate": 0})
        OrderLifecycle(client, now, "arn:aws:states:machine").start(
            order(time_in_force=time_in_force)
        )
    assert f'"execute_timeout_seconds": {int(days * 86_400)}' in sent[0]


@pytest.mark.parametrize("code", ["TaskDoesNotExist", "TaskTimedOut", "InvalidToken"])
def test_an_answer_to_a_dead_token_is_no_error(code: str) -> None:
    client: Any = boto3.client("stepfunctions", region_name="us-east-1")
    with Stubber(client) as stub:
        stub.add_client_error("send_task_success", code)
        stub.add_client_error("send_task_failure", code)
        assert OrderLifecycle(client, now).succeed("token", {}) is False
        assert OrderLifecycle(client, now).fail("token", "Error", "cause") is False


def test_any_other_error_of_step_functions_is_raised() -> None:
    client: Any = boto3.client("stepfunctions", region_name="us-east-1")
    with Stubber(client) as stub:
        stub.add_client_error("send_task_success", "AccessDeniedException")
        stub.add_client_error("start_execution", "ExecutionLimitExceeded")
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            OrderLifecycle(client, now).succeed("token", {})
        with pytest.raises(client.exceptions.ClientError, match="ExecutionLimitExceeded"):
            OrderLifecycle(client, now, "arn:aws:states:machine").start(order())


def test_a_used_token_of_a_finished_workflow_is_dead(
    lifecycle: OrderLifecycle, system: System
) -> None:
    lifecycle.start(order())
    tokens: list[str] = []

    def received() -> bool:
        tokens.extend(
            json.loads(message["Body"])["task_token"]
            for message in system.messages("EXECUTION_QUEUE_URL")
        )
        return bool(tokens)

    while not received():  # no worker may take the message away
        time.sleep(0.01)
    (token,) = tokens
    assert lifecycle.fail(token, "OrderClosed", "REJECTED") is True
    system.run_until(lambda: system.workflow_status(order().order_id) == "SUCCEEDED")
    assert lifecycle.succeed(token, {"order_id": order().order_id}) is False
