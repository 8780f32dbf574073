"""The hooks of the simulated SQS: the choice of groups, and a view of the messages."""

from typing import Any

import pytest

from tests.simulation.contracts.queues import Simulated, bodies


@pytest.fixture
def simulated() -> Simulated:
    return Simulated()


def test_the_engine_chooses_the_groups_that_a_receive_takes_from(simulated: Simulated) -> None:
    url = simulated.sqs.create_queue("q.fifo")
    seen: list[list[str]] = []

    def last_only(groups: Any) -> Any:
        seen.append(list(groups))
        return groups[-1:]

    simulated.sqs.groups = last_only
    for group in "abab":
        _send(simulated, url, group)
    assert [_receive(simulated, url) for _ in range(3)] == [["b", "b"], ["a", "a"], []]
    assert seen == [["a", "b"], ["a"]]


def test_checkers_see_every_message_and_when_to_look_again(simulated: Simulated) -> None:
    url = simulated.sqs.create_queue("q.fifo", visibility_timeout=30)
    assert simulated.sqs.next_visible_at(url) is None
    for group in "aab":
        _send(simulated, url, group)
    start = simulated.now
    assert _receive(simulated, url, MaxNumberOfMessages=1) == ["a"]
    assert [(message.group, message.state) for message in simulated.sqs.messages(url)] == [
        ("a", "in flight"),
        ("a", "behind"),
        ("b", "available"),
    ]
    assert simulated.sqs.next_visible_at(url) == start
    assert _receive(simulated, url) == ["b"]
    assert simulated.sqs.next_visible_at(url) == start + 30
    simulated.wait(30)
    assert [message.state for message in simulated.sqs.messages(url)] == ["available"] * 3


def test_a_message_is_kept_for_the_retention_period(simulated: Simulated) -> None:
    url = simulated.sqs.create_queue("q.fifo", retention_seconds=60)
    _send(simulated, url, "old")
    simulated.wait(30)
    _send(simulated, url, "new")
    simulated.wait(30)
    assert _receive(simulated, url) == ["new"]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("StartMessageMoveTask", {}),
        ("ReceiveMessage", {"WaitTimeSeconds": 20}),
        ("ReceiveMessage", {"ReceiveRequestAttemptId": "again"}),
        ("SendMessage", {"MessageSystemAttributes": {}}),
    ],
)
def test_what_is_not_simulated_is_not_ignored(
    simulated: Simulated, operation: str, params: dict[str, Any]
) -> None:
    url = simulated.sqs.create_queue("q.fifo")
    with pytest.raises(NotImplementedError):
        simulated.sqs.call(operation, {"QueueUrl": url, **params})


def _send(simulated: Simulated, url: str, group: str) -> None:
    deduplication_id = str(len(simulated.sqs.messages(url)))
    simulated.sqs.call(
        "SendMessage",
        {
            "QueueUrl": url,
            "MessageBody": group,
            "MessageGroupId": group,
            "MessageDeduplicationId": deduplication_id,
        },
    )


def _receive(simulated: Simulated, url: str, **more: Any) -> list[str]:
    answer = simulated.sqs.call(
        "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10, **more}
    )
    return bodies(answer.get("Messages", []))
