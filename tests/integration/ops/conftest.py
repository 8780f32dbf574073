"""The operator's command line over the whole system on a mocked AWS."""

import json
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from ops import dead_letters
from ops.__main__ import app
from tests.integration.backing import PREFIX
from tests.integration.system import System
from trading.adapters.runtime import clock

UNDELIVERED = ("invocations", "schedules", "events")


@dataclass
class Operator:
    """A user with AWS credentials and a terminal."""

    system: System

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Answers exit status, standard output and standard error."""
        result = CliRunner().invoke(app, ["--aws", "--stage", "test", *arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def ask(self, *arguments: str, status: int = 0) -> Any:
        """The JSON answer of a command that ends with this status."""
        code, out, err = self.run(*arguments, "--json")
        assert code == status, out + err
        return json.loads(out)

    def dead_letter(self, queue: str, body: str, group: str = "alice", **attributes: str) -> str:
        """Put a message into a dead-letter queue. Answers its id."""
        fifo = (
            {}
            if queue in UNDELIVERED
            else {"MessageGroupId": group, "MessageDeduplicationId": f"{group}{body}"[:128]}
        )
        answer = self.system.sqs.send_message(
            QueueUrl=self.url(queue),
            MessageBody=body,
            MessageAttributes={
                n: {"DataType": "String", "StringValue": v} for n, v in attributes.items()
            },
            **fifo,
        )
        return str(answer["MessageId"])

    def url(self, queue: str) -> str:
        """The address of a dead-letter queue."""
        if queue in UNDELIVERED:
            return str(self.system.sqs.get_queue_url(QueueName=f"{PREFIX}{queue}-dlq")["QueueUrl"])
        return self.system.queues[f"{queue.upper()}_DLQ_URL"]

    def waiting(self, mailbox: str) -> list[dict[str, Any]]:
        """The content of a mailbox, as its worker would receive it."""
        return self.system.messages(f"{mailbox.upper()}_QUEUE_URL")


@pytest.fixture
def operator(system: System, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setattr(dead_letters, "LONG_POLL_SECONDS", 0)
    steps = count()
    monkeypatch.setattr(clock, "now", lambda: system.now() + timedelta(milliseconds=next(steps)))
    for name in UNDELIVERED:
        boto3.client("sqs").create_queue(QueueName=f"{PREFIX}{name}-dlq")
    return Operator(system)
