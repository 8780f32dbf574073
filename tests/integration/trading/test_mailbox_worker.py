"""How a worker handles a batch: in order within a client, and never stopped by a message that
cannot succeed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.integration.backing import ENVIRONMENT, create_queues
from tests.integration.simulators.world import FakeContext
from trading.adapters.messaging.mailbox_worker import (
    ENOUGH_TIME_MS,
    LONGEST_PAUSE_SECONDS,
    MAX_TRIES,
    REDRIVEN,
    MailboxWorker,
)
from trading.domain.deadline import OutOfTimeError
from trading.domain.errors import NegativeBalanceError
from trading.messages import PollOrder
from trading.usecases.ports import NotFoundError, OutcomeUnknownError, StaleError


@dataclass
class Desk:
    """A worker and a record of its work. `errors` says which orders fail. `time_after` says how
    much time an order leaves.
    """

    queue_url: str
    dlq_url: str
    errors: dict[str, Exception] = field(default_factory=dict)
    time_after: dict[str, int] = field(default_factory=dict)
    handled: list[str] = field(default_factory=list)
    seen_before: list[str] = field(default_factory=list)
    given_up: list[tuple[str, str]] = field(default_factory=list)
    give_up_error: Exception | None = None

    def __post_init__(self) -> None:
        self.sqs: Any = boto3.client("sqs")
        self.worker = MailboxWorker(
            PollOrder.model_validate_json,
            self._handle,
            self._give_up,
            self.sqs,
            self.queue_url,
            self.dlq_url,
        )

    def _handle(self, message: PollOrder, context: Any, seen_before: bool) -> None:
        context.remaining_ms = self.time_after.get(message.order_id, context.remaining_ms)
        if seen_before:
            self.seen_before.append(message.order_id)
        if message.order_id in self.errors:
            raise self.errors[message.order_id]
        self.handled.append(message.order_id)

    def _give_up(self, message: PollOrder, reason: str) -> None:
        if self.give_up_error:
            raise self.give_up_error
        self.given_up.append((message.order_id, reason))

    def work(self, *records: dict[str, Any], remaining_ms: int = 60_000) -> list[str]:
        """Handle the records. Answers the ids of the messages that failed."""
        context: Any = FakeContext(remaining_ms=remaining_ms)
        answer = self.worker({"Records": list(records)}, context)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def dead_letters(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=self.dlq_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        queues = create_queues()
        yield Desk(queues["EXECUTION_QUEUE_URL"], queues["EXECUTION_DLQ_URL"])


def record(
    order_id: str, client_id: str = "alice", *, receives: int = 1, body: str | None = None
) -> dict[str, Any]:
    message = PollOrder(client_id=client_id, correlation_id="corr-1", order_id=order_id)
    return {
        "messageId": f"id-{order_id}",
        "receiptHandle": f"handle-{order_id}",
        "body": body if body is not None else message.model_dump_json(),
        "attributes": {
            "ApproximateReceiveCount": str(receives),
            "MessageGroupId": client_id,
            "SequenceNumber": "1",
            "MessageDeduplicationId": order_id,
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue.fifo",
        "awsRegion": "us-east-1",
    }


def reason(letter: dict[str, Any]) -> str:
    return str(letter["MessageAttributes"]["reason"]["StringValue"])


def test_a_batch_without_failures_is_handled_in_order(desk: Desk) -> None:
    assert desk.work(record("a"), record("b", "bob"), record("c")) == []
    assert desk.handled == ["a", "b", "c"]
    assert desk.dead_letters() == []


@pytest.mark.parametrize(
    "body", ["{not json", "{}", '{"kind": "poll", "surprise": 1}', '"text"', ""]
)
def test_an_unreadable_message_moves_to_the_dlq_with_the_reason(desk: Desk, body: str) -> None:
    body = body or " "
    assert desk.work(record("a", body=body), record("b")) == []
    assert desk.handled == ["b"]
    (letter,) = desk.dead_letters()
    assert letter["Body"] == body
    assert reason(letter).startswith("unreadable")
    assert letter["Attributes"]["MessageGroupId"] == "alice"
    assert desk.given_up == []


@pytest.mark.parametrize(
    "error", [NotFoundError("no order a"), NegativeBalanceError("held would be -1")]
)
def test_a_message_refused_by_a_rule_moves_to_the_dlq_and_its_order_is_marked(
    desk: Desk, error: Exception
) -> None:
    desk.errors["a"] = error
    assert desk.work(record("a"), record("b")) == []
    assert desk.handled == ["b"]
    (letter,) = desk.dead_letters()
    assert letter["Attributes"]["MessageGroupId"] == "alice"
    assert json.loads(letter["Body"])["order_id"] == "a"
    assert desk.given_up == [("a", reason(letter))]
    assert str(error) in reason(letter)


@pytest.mark.parametrize(
    "error", [StaleError(), OutcomeUnknownError("slow"), RuntimeError("a bug")]
)
def test_a_transient_failure_returns_with_its_clients_later_messages(
    desk: Desk, error: Exception
) -> None:
    desk.errors["b"] = error
    failed = desk.work(
        record("a"), record("b"), record("x", "bob"), record("c"), record("y", "bob")
    )
    assert failed == ["id-b", "id-c"]
    assert desk.handled == ["a", "x", "y"]
    assert (desk.dead_letters(), desk.given_up) == ([], [])
    desk.errors.clear()
    assert desk.work(record("b", receives=2), record("c", receives=2)) == []
    assert desk.handled == ["a", "x", "y", "b", "c"]


def test_after_the_last_try_a_message_moves_to_the_dlq(desk: Desk) -> None:
    desk.errors["a"] = OutcomeUnknownError("slow")
    assert desk.work(record("a", receives=MAX_TRIES - 1), record("b", receives=MAX_TRIES - 1)) == [
        "id-a",
        "id-b",
    ]
    assert desk.work(record("a", receives=MAX_TRIES), record("b", receives=MAX_TRIES)) == []
    assert desk.handled == ["b"]
    (letter,) = desk.dead_letters()
    assert reason(letter) == f"OutcomeUnknownError after {MAX_TRIES} tries: slow"
    assert desk.given_up == [("a", reason(letter))]


def test_a_message_behind_one_that_moves_to_the_dlq_does_not_move_with_it(
    desk: Desk,
) -> None:
    desk.errors["a"] = desk.errors["b"] = OutcomeUnknownError("slow")
    records = [record(name, receives=MAX_TRIES) for name in ("a", "b", "c")]
    assert desk.work(*records) == ["id-b", "id-c"]
    assert [order_id for order_id, _ in desk.given_up] == ["a"]


def test_a_redelivered_message_moves_to_the_dlq_once(desk: Desk) -> None:
    desk.errors["a"] = NotFoundError("no order a")
    desk.work(record("a"))
    desk.work(record("a", receives=2))
    assert len(desk.dead_letters()) == 1


def test_a_message_moves_to_the_dlq_even_if_its_order_cannot_be_marked(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.errors["a"] = NotFoundError("no order a")
    desk.give_up_error = StaleError()
    assert desk.work(record("a")) == []
    assert len(desk.dead_letters()) == 1
    assert '"OrdersNotMarked"' in capsys.readouterr().out


def test_without_the_dead_letter_queue_the_message_stays(desk: Desk) -> None:
    desk.errors["a"] = NotFoundError("no order a")
    desk.sqs.delete_queue(QueueUrl=desk.dlq_url)
    assert desk.work(record("a"), record("b")) == ["id-a", "id-b"]
    assert desk.handled == []


def test_the_handler_is_told_which_messages_may_have_been_begun(desk: Desk) -> None:
    assert desk.work(record("a"), record("b", receives=2), record("x", "bob")) == []
    assert desk.seen_before == ["b"]


def test_a_redriven_message_counts_as_possibly_begun(desk: Desk) -> None:
    redriven = record("a") | {
        "messageAttributes": {REDRIVEN: {"dataType": "String", "stringValue": "id-0"}}
    }
    assert desk.work(redriven, record("b")) == []
    assert desk.seen_before == ["a"]


def test_no_message_is_begun_without_enough_time(desk: Desk) -> None:
    failed = desk.work(record("a"), record("b", "bob"), remaining_ms=ENOUGH_TIME_MS - 1)
    assert failed == ["id-a", "id-b"]
    assert (desk.handled, desk.given_up) == ([], [])


def test_a_message_returns_at_once_for_lack_of_time_and_paused_after_a_failure(
    desk: Desk,
) -> None:
    asked: list[dict[str, Any]] = []
    desk.sqs.meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibilityBatch",
        lambda params, **_: asked.extend(params["Entries"]),
    )
    desk.errors["a"] = StaleError()
    desk.time_after["a"] = ENOUGH_TIME_MS - 1
    late = [
        record("x", "bob", receives=7),
        record("y", "bob", receives=7),
        record("z", "carol", receives=7),
    ]
    assert desk.work(record("a", receives=3), *late) == ["id-a", "id-x", "id-y", "id-z"]
    pauses = {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in asked}
    assert pauses.pop("handle-a") >= 4
    assert pauses == {"handle-x": 0, "handle-y": 0, "handle-z": 0}


def test_running_out_of_time_never_counts_as_a_failed_try(desk: Desk) -> None:
    asked: list[dict[str, Any]] = []
    desk.sqs.meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibilityBatch",
        lambda params, **_: asked.extend(params["Entries"]),
    )
    desk.errors["a"] = OutOfTimeError()
    assert desk.work(record("a", receives=MAX_TRIES), record("b"), record("x", "bob")) == [
        "id-a",
        "id-b",
    ]
    assert {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in asked} == {
        "handle-a": 0,
        "handle-b": 0,
    }
    assert (desk.handled, desk.given_up, desk.dead_letters()) == (["x"], [], [])


def test_a_warm_worker_forgets_the_failures_of_the_previous_batch(desk: Desk) -> None:
    desk.errors["a"] = StaleError()
    assert desk.work(record("a")) == ["id-a"]
    assert desk.work(record("b")) == []


def test_failed_messages_return_together_after_a_growing_bounded_pause(
    desk: Desk,
) -> None:
    desk.errors["a"] = StaleError()
    asked: list[list[dict[str, Any]]] = []
    desk.sqs.meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibilityBatch",
        lambda params, **_: asked.append(params["Entries"]),
    )
    for receives in range(1, MAX_TRIES):
        desk.work(
            record("a", receives=receives), record("b", receives=receives), record("x", "bob")
        )
    handles = [[entry["ReceiptHandle"] for entry in entries] for entries in asked]
    assert handles == [["handle-a", "handle-b"]] * (MAX_TRIES - 1)
    pauses = [{entry["VisibilityTimeout"] for entry in entries} for entries in asked]
    assert {len(pause) for pause in pauses} == {1}
    seconds = [pause.pop() for pause in pauses]
    bounds = [min(2**receives, LONGEST_PAUSE_SECONDS) for receives in range(1, MAX_TRIES)]
    assert all(
        bound / 2 - 1 <= pause <= bound for pause, bound in zip(seconds, bounds, strict=True)
    )


def test_a_batch_without_failures_asks_for_no_pause(desk: Desk) -> None:
    asked: list[Any] = []
    desk.sqs.meta.events.register(
        "before-call.sqs.ChangeMessageVisibilityBatch", lambda **_: asked.append(1)
    )
    desk.work(record("a"))
    assert asked == []


def test_a_pause_that_cannot_be_set_changes_nothing_else(desk: Desk) -> None:
    desk.errors["a"] = StaleError()
    desk.sqs.delete_queue(QueueUrl=desk.queue_url)
    assert desk.work(record("a"), record("x", "bob")) == ["id-a"]
    assert desk.handled == ["x"]
