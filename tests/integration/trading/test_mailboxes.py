"""Messages in the clients' mailboxes: their group, and the deduplication of repeated messages."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from tests.fakes.clock import Clock
from tests.integration.backing import ENVIRONMENT, create_queues
from tests.integration.trading import entities
from trading.adapters.messaging.mailboxes import SqsMailboxes
from trading.messages import (
    EXECUTION_MESSAGE,
    ClearOrder,
    ExecuteOrder,
    Message,
    PollOrder,
    ReportReceived,
    SettleClient,
)
from trading.wire import ExecutionReport


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield create_queues()


def received(url: str) -> list[dict[str, Any]]:
    """The messages of the queue. They are deleted, because a message in flight blocks its group."""
    sqs: Any = boto3.client("sqs")
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return messages


def mailboxes(queues: dict[str, str], clock: Clock) -> SqsMailboxes:
    urls = {
        f"{name}_queue_url": queues[f"{name.upper()}_QUEUE_URL"]
        for name in ("execution", "clearing", "settlement")
    }
    return SqsMailboxes(boto3.client("sqs"), clock, **urls)


def report(
    execution_id: str = "exec-1",
    correlation_id: str = "corr-1",
    exchange_id: str = "XNYS",
    leaves: int = 100,
) -> ReportReceived:
    wire = ExecutionReport.model_validate(
        {
            "exchange_id": exchange_id,
            "execution_id": execution_id,
            "client_order_id": "ord_1-1",
            "exchange_order_id": "x-1",
            "account": "alice",
            "symbol": "AAPL",
            "side": "buy",
            "exec_type": "NEW",
            "cumulative_quantity": 0,
            "leaves_quantity": leaves,
            "transact_time": entities.NOW,
            "correlation_id": correlation_id,
        }
    )
    return ReportReceived(client_id="alice", correlation_id=correlation_id, report=wire)


POLL = PollOrder(client_id="alice", correlation_id="corr-1", order_id="ord_1")
CLEAR = ClearOrder(client_id="bob", correlation_id="corr-2", order_id="ord_2")
SETTLE = SettleClient(
    client_id="carol", correlation_id="cycle", settlement_date=entities.SETTLEMENT_DATE
)


def test_each_message_is_sent_complete_in_its_clients_group(
    queues: dict[str, str], clock: Clock
) -> None:
    sender = mailboxes(queues, clock)
    sender.execution(POLL)
    sender.clearing(CLEAR)
    sender.settlement(SETTLE)
    sent: dict[str, Message] = {"EXECUTION": POLL, "CLEARING": CLEAR, "SETTLEMENT": SETTLE}
    for name, message in sent.items():
        (got,) = received(queues[f"{name}_QUEUE_URL"])
        assert got["Attributes"]["MessageGroupId"] == message.client_id
        assert type(message).model_validate_json(got["Body"]) == message


def test_a_push_repeated_within_a_minute_is_one_message(
    queues: dict[str, str], clock: Clock
) -> None:
    sender = mailboxes(queues, clock)
    sender.execution(POLL)
    sender.execution(POLL)
    sender.execution(ExecuteOrder(client_id="alice", correlation_id="corr-1", order_id="ord_1"))
    assert len(received(queues["EXECUTION_QUEUE_URL"])) == 2
    clock.forward(seconds=60)
    sender.execution(POLL)
    (again,) = received(queues["EXECUTION_QUEUE_URL"])
    assert EXECUTION_MESSAGE.validate_json(again["Body"]) == POLL


def test_a_repeated_report_is_one_message_whatever_its_correlation_id(
    queues: dict[str, str], clock: Clock
) -> None:
    sender = mailboxes(queues, clock)
    sender.execution(report())
    clock.forward(minutes=4)
    sender.execution(report(correlation_id="corr-2"))
    assert len(received(queues["EXECUTION_QUEUE_URL"])) == 1
    sender.execution(report("exec-2"))
    assert len(received(queues["EXECUTION_QUEUE_URL"])) == 1


def test_a_report_that_says_something_else_is_another_message(
    queues: dict[str, str], clock: Clock
) -> None:
    sender = mailboxes(queues, clock)
    for leaves in (100, 90, 100, 90):
        sender.execution(report(leaves=leaves))
    sent = [
        EXECUTION_MESSAGE.validate_json(message["Body"])
        for _ in range(2)
        for message in received(queues["EXECUTION_QUEUE_URL"])
    ]
    assert sent == [report(leaves=100), report(leaves=90)]


def test_two_exchanges_may_give_their_reports_the_same_id(
    queues: dict[str, str], clock: Clock
) -> None:
    sender = mailboxes(queues, clock)
    sender.execution(report(exchange_id="XNYS"))
    sender.execution(report(exchange_id="XNAS"))
    received_from = [
        EXECUTION_MESSAGE.validate_json(message["Body"])
        for _ in range(2)
        for message in received(queues["EXECUTION_QUEUE_URL"])
    ]
    assert received_from == [report(exchange_id="XNYS"), report(exchange_id="XNAS")]


def test_the_continuation_of_a_settlement_is_a_separate_message(
    queues: dict[str, str], clock: Clock
) -> None:
    sender = mailboxes(queues, clock)
    sender.settlement(SETTLE)
    sender.settlement(SETTLE.model_copy(update={"part": 1}))
    assert len(received(queues["SETTLEMENT_QUEUE_URL"])) == 2


class Refusing:
    """SQS that takes only some messages of a batch, or whose answer is lost."""

    def __init__(self, client: Any, refusals: dict[str, int], lost: int = 0) -> None:
        self._client = client
        self._refusals = refusals
        self._lost = lost
        self.batches: list[int] = []

    def send_message_batch(self, **request: Any) -> Any:
        self.batches.append(len(request["Entries"]))
        refused, taken = [], []
        for entry in request["Entries"]:
            left = self._refusals.get(entry["MessageGroupId"], 0)
            self._refusals[entry["MessageGroupId"]] = left - 1
            (refused if left > 0 else taken).append(entry)
        if taken:
            self._client.send_message_batch(QueueUrl=request["QueueUrl"], Entries=taken)
        if self._lost:
            self._lost -= 1
            raise ReadTimeoutError(endpoint_url="sqs")
        return {
            "Failed": [
                {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False}
                for entry in refused
            ]
        }


CLIENTS = [f"client-{number}" for number in range(23)]


def asked(queues: dict[str, str]) -> list[str]:
    """The clients in the mailboxes for settlement, each in its own group."""
    found = []
    while messages := received(queues["SETTLEMENT_QUEUE_URL"]):
        for message in messages:
            settle = SettleClient.model_validate_json(message["Body"])
            assert message["Attributes"]["MessageGroupId"] == settle.client_id
            assert (settle.settlement_date, settle.correlation_id) == (DAY, "cycle")
            found.append(settle.client_id)
    return sorted(found)


DAY = entities.SETTLEMENT_DATE


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading.adapters.messaging.mailboxes.FIRST_PAUSE_SECONDS", 0)


@pytest.mark.usefixtures("impatient")
def test_clients_are_asked_to_settle_in_batches_of_ten(queues: dict[str, str]) -> None:
    boxes = mailboxes(queues, Clock())
    counting = Refusing(boxes.client, {})
    assert replace(boxes, client=counting).settle(CLIENTS, DAY, "cycle") == ()
    assert counting.batches == [10, 10, 3]
    assert asked(queues) == sorted(CLIENTS)


@pytest.mark.usefixtures("impatient")
def test_only_what_sqs_did_not_take_is_sent_again(queues: dict[str, str]) -> None:
    boxes = mailboxes(queues, Clock())
    refusing = Refusing(boxes.client, {"client-3": 2, "client-17": 1})
    assert replace(boxes, client=refusing).settle(CLIENTS, DAY, "cycle") == ()
    assert refusing.batches == [10, 10, 3, 2, 1]
    assert asked(queues) == sorted(CLIENTS)


@pytest.mark.usefixtures("impatient")
def test_clients_that_sqs_never_takes_are_named_and_the_others_are_asked(
    queues: dict[str, str],
) -> None:
    boxes = mailboxes(queues, Clock())
    refusing = Refusing(boxes.client, {"client-3": 99})
    assert replace(boxes, client=refusing).settle(CLIENTS, DAY, "cycle") == ["client-3"]
    assert asked(queues) == sorted({*CLIENTS} - {"client-3"})


@pytest.mark.usefixtures("impatient")
def test_a_page_that_is_sent_again_after_a_lost_answer_asks_each_client_once(
    queues: dict[str, str],
) -> None:
    boxes = mailboxes(queues, Clock())
    losing = replace(boxes, client=Refusing(boxes.client, {}, lost=1))
    with pytest.raises(ReadTimeoutError):
        losing.settle(CLIENTS, DAY, "cycle")
    losing.settle(CLIENTS, DAY, "cycle")
    assert asked(queues) == sorted(CLIENTS)


@pytest.mark.usefixtures("impatient")
def test_another_cycle_asks_again(queues: dict[str, str]) -> None:
    boxes = mailboxes(queues, Clock())
    for correlation_id in ("cycle", "cycle", "again"):
        boxes.settle(["alice"], DAY, correlation_id)
    found = []
    while messages := received(queues["SETTLEMENT_QUEUE_URL"]):
        found += [SettleClient.model_validate_json(message["Body"]) for message in messages]
    assert [message.correlation_id for message in found] == ["cycle", "again"]


def test_many_messages_are_sent_in_batches_and_a_repetition_is_dropped(
    queues: dict[str, str],
) -> None:
    clock = Clock()
    boxes = mailboxes(queues, clock)
    messages = [
        PollOrder(client_id=f"client-{n}", correlation_id="c", order_id=f"ord_{n}")
        for n in range(12)
    ]
    assert boxes.executions(messages) == ()
    boxes.execution(messages[0])
    url = queues["EXECUTION_QUEUE_URL"]
    arrived = [*received(url), *received(url), *received(url)]
    assert {m["Attributes"]["MessageGroupId"] for m in arrived} == {m.client_id for m in messages}
    bodies = [EXECUTION_MESSAGE.validate_json(m["Body"]) for m in arrived]
    assert sorted(bodies, key=str) == sorted(messages, key=str)


def test_messages_that_are_never_taken_are_returned(
    queues: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = mailboxes(queues, Clock())
    monkeypatch.setattr("trading.adapters.messaging.mailboxes.time.sleep", lambda _: None)
    monkeypatch.setattr(
        boxes.client,
        "send_message_batch",
        lambda **sent: {"Failed": [e for e in sent["Entries"] if e["MessageGroupId"] == "bob"]},
    )
    messages = [
        ClearOrder(client_id=client_id, correlation_id="c", order_id=f"ord_{client_id}")
        for client_id in ("alice", "bob")
    ]
    assert boxes.clearings(messages) == [messages[1]]
