"""Pushes to connected clients: now by an invocation, later by the queue."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.builders import NOW
from tests.fakes.events import FakeSqs
from trading.adapters.messaging.event_queue import EventQueue, Wake, parse
from trading.adapters.messaging.pushes import FunctionPushes, PushRequest


class FakeLambda:
    def __init__(self) -> None:
        self.invoked: list[dict[str, Any]] = []
        self.refuses: Exception | None = None

    def invoke(self, **request: Any) -> dict[str, Any]:
        if self.refuses:
            raise self.refuses
        self.invoked.append(request)
        return {"StatusCode": 202}


class Pushing:
    def __init__(self) -> None:
        self.functions, self.sqs = FakeLambda(), FakeSqs()
        queue = EventQueue(self.sqs, "queue")  # type: ignore[arg-type]
        self.pushes = FunctionPushes(self.functions, "push", queue, lambda: NOW)  # type: ignore[arg-type]


@pytest.fixture
def pushing() -> Pushing:
    return Pushing()


@pytest.mark.parametrize("client_id", ["alice", 'a "b" é'])
def test_a_push_is_an_invocation_that_nobody_waits_for(pushing: Pushing, client_id: str) -> None:
    pushing.pushes.soon(client_id)
    [request] = pushing.functions.invoked
    assert (request["FunctionName"], request["InvocationType"]) == ("push", "Event")
    assert PushRequest.model_validate(json.loads(request["Payload"])).client_id == client_id
    assert pushing.sqs.sent == []


@pytest.mark.parametrize(
    ("after", "delay"),
    [
        (timedelta(seconds=-1), 0),
        (timedelta(0), 0),
        (timedelta(seconds=89.5), 90),
        (timedelta(minutes=15), 900),
        (timedelta(hours=12), 900),
    ],
)
def test_a_later_push_comes_through_the_queue(
    pushing: Pushing, after: timedelta, delay: int
) -> None:
    pushing.pushes.at("alice", NOW + after)
    [sent] = pushing.sqs.sent
    assert parse(sent["MessageBody"]) == Wake(client_id="alice", wake_at=NOW + after)
    assert (sent["QueueUrl"], sent["DelaySeconds"]) == ("queue", delay)
    assert pushing.functions.invoked == []


def test_an_invocation_that_is_refused_reaches_the_caller(pushing: Pushing) -> None:
    """The writer of the log repeats its batch then."""
    pushing.functions.refuses = ClientError({"Error": {"Code": "TooManyRequests"}}, "Invoke")
    with pytest.raises(ClientError):
        pushing.pushes.soon("alice")
