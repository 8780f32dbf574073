"""Messages in the clients' mailboxes: their group, and the deduplication of repeated messages."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
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
CLEAR = ClearOrder(client_id="bob", correlation_id="corr-2", order_id="ord_2", task_token="token")
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
