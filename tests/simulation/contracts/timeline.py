"""A virtual clock with events, and a simulated Step Functions with queues on that clock."""

import heapq
import itertools
import json
import random
from collections.abc import Callable
from typing import Any

from tests.simulation.services.errors import ServiceError
from tests.simulation.services.sqs import Sqs
from tests.simulation.services.stepfunctions import StepFunctions
from tests.simulation.services.stepfunctions_execution import ExecutionState

Done = Callable[[Any | None, tuple[str, str] | None], None]
START = 1_800_000_000.0


class Timeline:
    """Callbacks in the order of their times."""

    def __init__(self) -> None:
        self.now = START
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def schedule(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back after that many seconds."""
        heapq.heappush(self._heap, (self.now + seconds, next(self._number), callback))

    def pass_by(self, seconds: float) -> None:
        """Let that many seconds pass, and run the callbacks that are due."""
        until = self.now + seconds
        while self._heap and self._heap[0][0] <= until:
            self.now, _, callback = heapq.heappop(self._heap)
            callback()
        self.now = until


class Workflows:
    """Step Functions, a queue for each mailbox, and functions that answer at once.

    `broken` names the errors of the next messages to SQS. `functions` maps the names of functions
    to what they do. `items` has the orders by their ids. The next `unreadable` reads fail.
    """

    def __init__(self, seed: int = 1) -> None:
        self.time = Timeline()
        self.sqs = Sqs(lambda: self.time.now, random.Random(seed))
        self.queues = {
            name: self.sqs.create_queue(f"{name}.fifo")
            for name in ("execution", "clearing", "settlement")
        }
        self.broken: list[str] = []
        self.tries: list[float] = []
        self.functions: dict[str, Callable[[Any], Any]] = {}
        self.items: dict[str, dict[str, Any]] = {}
        self.unreadable = 0
        self.read: list[dict[str, Any]] = []
        self.steps = StepFunctions(
            lambda: self.time.now,
            self.time.schedule,
            random.Random(seed),
            self._send,
            self._invoke,
            self._read,
        )

    def _send(self, params: dict[str, Any]) -> dict[str, Any]:
        self.tries.append(self.time.now)
        if self.broken:
            raise ServiceError(self.broken.pop(0), "broken")
        return self.sqs.call("SendMessage", params)

    def _read(self, params: dict[str, Any]) -> dict[str, Any]:
        self.read.append({**params, "at": self.time.now})
        if self.unreadable:
            self.unreadable -= 1
            raise ServiceError("ProvisionedThroughputExceededException", "slow down")
        return {"Item": self.items[params["Key"]["order_id"]["S"]]}

    def _invoke(self, name: str, payload: Any, done: Done) -> None:
        try:
            result = self.functions[name](payload)
        except Exception as error:  # Lambda reports any error of a function
            failure = type(error).__name__, str(error)
            self.time.schedule(0.1, lambda: done(None, failure))
        else:
            self.time.schedule(0.1, lambda: done(result, None))

    def start(self, arn: str, content: dict[str, Any], name: str = "one") -> str:
        """Start an execution and let it enter its first states. Return its ARN."""
        params = {"stateMachineArn": arn, "name": name, "input": json.dumps(content)}
        execution = self.steps.call("StartExecution", params)["executionArn"]
        self.time.pass_by(1)
        return str(execution)

    def messages(self, queue: str = "execution", seconds: float = 1) -> list[dict[str, Any]]:
        """Take the messages out of a mailbox that arrive within the next seconds."""
        self.time.pass_by(seconds)
        url, found = self.queues[queue], []
        while received := self.sqs.call(
            "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10}
        ):
            for message in received["Messages"]:
                found.append(json.loads(message["Body"]))
                self.sqs.call(
                    "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
                )
        return found

    def message(self, queue: str = "execution", seconds: float = 1) -> dict[str, Any]:
        """The single message that arrived."""
        [message] = self.messages(queue, seconds)
        return message

    def succeed(self, message: dict[str, Any], output: str = "{}") -> None:
        self.steps.call("SendTaskSuccess", {"taskToken": message["task_token"], "output": output})

    def fail(self, message: dict[str, Any], error: str) -> None:
        self.steps.call(
            "SendTaskFailure",
            {"taskToken": message["task_token"], "error": error, "cause": "because"},
        )

    def described(self, execution: str, seconds: float = 1) -> dict[str, Any]:
        """The description of an execution after that many seconds."""
        self.time.pass_by(seconds)
        return self.steps.call("DescribeExecution", {"executionArn": execution})

    def run_of(self, execution: str) -> ExecutionState:
        """The state of an Express execution. AWS has no call for it."""
        return next(each for each in self.steps.executions() if each.arn == execution)

    def path(self, execution: str) -> list[str]:
        """The states that the execution entered."""
        events = self.steps.call("GetExecutionHistory", {"executionArn": execution})["events"]
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in events
            if "stateEnteredEventDetails" in event
        ]

    def failures(self, execution: str) -> int:
        """How often tasks of the execution failed or timed out."""
        events = self.steps.call("GetExecutionHistory", {"executionArn": execution})["events"]
        return sum(event["type"] in ("TaskFailed", "TaskTimedOut") for event in events)
