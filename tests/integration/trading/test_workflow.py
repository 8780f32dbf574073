"""The adapter of OrderLifecycle, against the definition on a mock that runs it, and the log of its
failed runs.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.integration.system import LIFECYCLE_LOG, System
from tests.integration.trading import entities
from tests.integration.trading.entities import order
from trading.adapters.messaging.run_log import LONGEST_LOOK_UP, RunLog
from trading.adapters.messaging.workflow import OrderLifecycle
from trading.adapters.runtime import clock

WRITTEN = datetime.now(UTC).replace(microsecond=0)
"""The present, because CloudWatch takes no line that is older than two weeks."""
CAUSE = "The order could not be read; its worker and the sweeper go on."


def started(*, at_clearing: bool = False, later: timedelta = timedelta(0)) -> dict[str, Any]:
    """The parameters of StartExecution."""
    client: Any = boto3.client("stepfunctions", region_name="us-east-1")
    sent: list[dict[str, Any]] = []
    client.meta.events.register(
        "provide-client-params.sfn.StartExecution", lambda params, **_: sent.append(params)
    )
    with Stubber(client) as stub:
        stub.add_response("start_execution", {"executionArn": "arn:aws:states:x", "startDate": 0})
        lifecycle = OrderLifecycle(client, lambda: entities.NOW + later, "arn:aws:states:machine")
        (lifecycle.start_at_clearing if at_clearing else lifecycle.start)(order())
    (params,) = sent
    return params | {"input": json.loads(params["input"])}


@pytest.mark.parametrize("at_clearing", [False, True])
def test_a_run_is_named_after_its_order_and_says_where_it_begins(at_clearing: bool) -> None:
    params = started(at_clearing=at_clearing)
    assert params["name"].startswith(f"{order().order_id}-")
    assert len(params["name"]) <= 80
    assert params["input"]["first_step"] == ("CLEAR" if at_clearing else "EXECUTE")
    assert params["input"]["order_id"] == order().order_id
    assert params["input"]["client_id"] == order().client_id
    assert params["input"]["correlation_id"] == order().correlation_id


def test_a_start_within_the_minute_is_a_retry_and_a_later_one_is_intended() -> None:
    first, retry, later = (
        started(later=timedelta(seconds=seconds))["input"]["deduplication_id"]
        for seconds in (0, 1, 60)
    )
    assert first == retry != later


def test_any_error_of_step_functions_is_raised() -> None:
    client: Any = boto3.client("stepfunctions", region_name="us-east-1")
    lifecycle = OrderLifecycle(client, lambda: entities.NOW, "arn:aws:states:machine")
    with Stubber(client) as stub:
        stub.add_client_error("start_execution", "ThrottlingException")
        with pytest.raises(client.exceptions.ClientError, match="Throttling"):
            lifecycle.start(order())


def logged(system: System, run: str, kind: str, **details: str) -> None:
    """Write what Step Functions writes into the log of an Express workflow."""
    logs: Any = boto3.client("logs")
    stream = f"states/{run}"
    logs.create_log_stream(logGroupName=LIFECYCLE_LOG, logStreamName=stream)
    arn = f"arn:aws:states:us-east-1:123456789012:express:order-lifecycle-express:{run}:uuid"
    line = {"id": "7", "type": kind, "details": details, "execution_arn": arn}
    event = {"timestamp": int(WRITTEN.timestamp() * 1000), "message": json.dumps(line)}
    logs.put_log_events(logGroupName=LIFECYCLE_LOG, logStreamName=stream, logEvents=[event])


def test_the_failed_runs_of_an_order_are_found_in_the_log(system: System) -> None:
    own = f"{order().order_id}-execute-1"
    logged(system, own, "ExecutionFailed", error="LookFailed", cause=CAUSE)
    logged(system, f"{order().order_id}-execute-2", "TaskFailed", error="SQS.Error")
    logged(system, "ord_other-execute-3", "ExecutionFailed", error="LookFailed", cause=CAUSE)
    found = RunLog(boto3.client("logs"), LIFECYCLE_LOG, clock.now)(order())
    assert found is not None
    (failure,) = found
    assert (failure.run, failure.error, failure.cause) == (own, "LookFailed", CAUSE)
    assert failure.failed_at == WRITTEN


def test_a_log_that_is_not_read_to_its_end_says_nothing() -> None:
    """Else an operator would read that no run has failed."""
    client: Any = boto3.client("logs", region_name="us-east-1")
    times = (entities.NOW + each * LONGEST_LOOK_UP / 4 for each in range(5))
    with Stubber(client) as stub:
        for _ in range(3):
            stub.add_response("filter_log_events", {"events": [], "nextToken": "more"})
        assert RunLog(client, LIFECYCLE_LOG, lambda: next(times))(order()) is None
        stub.assert_no_pending_responses()


def test_a_log_that_cannot_be_read_is_no_error(system: System) -> None:
    assert RunLog(boto3.client("logs"), "no-such-group", clock.now)(order()) is None
