"""Step Functions in memory: Standard workflows with their task tokens, and Express workflows.

Each step of an execution is a callback given to `schedule`. The owner of `schedule` decides the
order of events.
"""

import json
import random
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

from tests.simulation.services import asl
from tests.simulation.services.asl_attempt import Attempt
from tests.simulation.services.asl_data import MAX_DATA_BYTES
from tests.simulation.services.asl_host import Failure
from tests.simulation.services.asl_run import MapAttempt
from tests.simulation.services.errors import ServiceError
from tests.simulation.services.stepfunctions_execution import (
    PREFIX,
    Execution,
    ExecutionState,
    time_of,
)

NAME_SECONDS = 90 * 86_400
"""The time for which the name of a closed execution cannot be used again."""
PAGE = 100
EXPRESS_SECONDS = 300
"""Step Functions stops an Express execution after five minutes."""
Schedule = Callable[[float, Callable[[], None]], None]
InvokeFunction = Callable[[str, Any, Callable[[Any | None, Failure | None], None]], None]
_BAD_NAME = re.compile(
    r"""[\s<>{}\[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f\ud800-\udfff\ufffe\uffff]"""
)


class StepFunctions:
    """Every state machine of an account."""

    def __init__(
        self,
        now: Callable[[], float],
        schedule: Schedule,
        random: random.Random,
        send_message: Callable[[dict[str, Any]], dict[str, Any]],
        invoke_function: InvokeFunction,
        get_item: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> None:
        self.now, self.schedule, self.random = now, schedule, random
        self.send_message, self.invoke_function = send_message, invoke_function
        self.get_item = get_item
        self.starts_twice: Callable[[], bool] = lambda: False
        """Whether Express runs the present start twice. AWS promises only at least once."""
        self.kills_after: Callable[[], float | None] = lambda: None
        """The seconds after which an Express execution dies without an error; None: it does not."""
        self.secret = random.getrandbits(256)
        self.tokens: dict[str, Attempt] = {}
        self._machines: dict[str, asl.Graph] = {}
        self._express: set[str] = set()
        self._executions: dict[str, Execution] = {}
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "StartExecution": self._start_execution,
            "DescribeExecution": self._describe_execution,
            "StopExecution": self._stop_execution,
            "ListExecutions": self._list_executions,
            "SendTaskSuccess": self._send_task_success,
            "SendTaskFailure": self._send_task_failure,
            "SendTaskHeartbeat": self._send_task_heartbeat,
            "GetExecutionHistory": self._get_execution_history,
        }

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Perform an operation, with the answer that boto3 returns.

        Raises ServiceError. Raises NotImplementedError for anything that is not simulated.
        """
        handle = self._operations.get(operation)
        if handle is None:
            raise NotImplementedError(f"stepfunctions {operation}")
        return handle(params)

    def create_state_machine(
        self, name: str, definition: dict[str, Any], *, express: bool = False
    ) -> str:
        """Create a state machine and return its ARN.

        Raises NotImplementedError if the definition holds anything that is not interpreted, and
        ValueError if an Express one holds what Express does not support.
        """
        if express:
            self._express.add(name)
            self._machines[name] = asl.compile_express(definition)
        else:
            self._machines[name] = asl.compile_graph(definition)
        return f"{PREFIX}:stateMachine:{name}"

    def executions(self) -> list[ExecutionState]:
        """For checkers: every execution in the order of their starts, with children of Maps."""
        return [
            ExecutionState(
                execution.arn,
                execution.name,
                execution.machine,
                execution.status,
                execution.run.state.name if execution.run.state is not None else None,
                execution.open_tokens,
                execution.parent.arn if execution.parent is not None else None,
                execution.started_at,
                execution.stopped_at,
                execution.failure[0] if execution.failure is not None else None,
                tuple(
                    state
                    for _, event, state in execution.history
                    if state is not None and event.endswith("Entered")
                ),
            )
            for execution in self._executions.values()
        ]

    def start_child(
        self,
        parent: Execution,
        attempt: MapAttempt,
        content: Any,
        done: Callable[[Any, bool], None],
    ) -> Execution:
        """Start a child of a distributed Map.

        If it fails, its outcome is its description, as without a ResultWriter.
        """

        def ended(child: Execution, output: Any) -> None:
            done(
                output if child.status == "SUCCEEDED" else _outcome(child), child.status == "FAILED"
            )

        name, label = self._uuid(), attempt.state.label
        if attempt.map_run is None:
            attempt.map_run = f"{PREFIX}:mapRun:{parent.machine}/{label}:{self._uuid()}"
        child = Execution(
            self,
            f"{parent.machine}/{label}",
            f"{PREFIX}:execution:{parent.machine}/{label}:{name}",
            name,
            json.dumps(content, separators=(",", ":")),
            self.now(),
            parent,
            attempt.map_run,
        )
        child.done = ended
        self._executions[child.arn] = child
        assert attempt.state.processor is not None
        child.begin(attempt.state.processor, content)
        return child

    def _start_execution(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"stateMachineArn", "name", "input"})
        machine = self._machine(params["stateMachineArn"])
        name, content = params.get("name") or self._uuid(), params.get("input", "{}")
        if not 0 < len(name) <= 80 or _BAD_NAME.search(name):
            raise ServiceError("InvalidName", f"Invalid Name: '{name}'")
        try:
            data = _parsed(content)
        except ValueError as error:
            raise ServiceError(
                "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'"
            ) from None
        if machine in self._express:
            if self.starts_twice():
                self._start_express(machine, name, content, data)
            return self._start_express(machine, name, content, data)
        now, arn = self.now(), f"{PREFIX}:execution:{machine}:{name}"
        execution = self._executions.get(arn)
        if execution is not None:
            running = execution.status == "RUNNING"
            if running and execution.input == content:
                return {"executionArn": arn, "startDate": time_of(execution.started_at)}
            if running or now - execution.stopped_at < NAME_SECONDS:
                raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
            del self._executions[arn]
        self._executions[arn] = execution = Execution(self, machine, arn, name, content, now)
        execution.begin(self._machines[machine], data)
        return {"executionArn": arn, "startDate": time_of(now)}

    def _start_express(self, machine: str, name: str, content: str, data: Any) -> dict[str, Any]:
        """Start an Express execution. Several may have one name."""
        now, arn = self.now(), f"{PREFIX}:express:{machine}:{name}:{self._uuid()}"
        execution = Execution(self, machine, arn, name, content, now, express=True)
        self._executions[arn] = execution
        execution.begin(self._machines[machine], data)
        self.schedule(EXPRESS_SECONDS, lambda: execution.stop("TIMED_OUT"))
        killed_after = self.kills_after()
        if killed_after is not None:
            self.schedule(killed_after, execution.stop)
        return {"executionArn": arn, "startDate": time_of(now)}

    def _describe_execution(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"executionArn"})
        execution = self._execution(params["executionArn"])
        answer = {
            **_summary(execution),
            "input": execution.input,
            "inputDetails": {"included": True},
        }
        if execution.output is not None:
            answer |= {"output": execution.output, "outputDetails": {"included": True}}
        if execution.failure is not None:
            answer |= _error_and_cause(execution.failure)
        return answer

    def _stop_execution(self, params: dict[str, Any]) -> dict[str, Any]:
        """Perform StopExecution.

        AWS does not document the answer for an execution that has ended already. Here it is the
        time of that end.
        """
        _known(params, {"executionArn", "error", "cause"})
        execution = self._execution(params["executionArn"])
        if execution.status == "RUNNING":
            if "error" in params or "cause" in params:
                execution.failure = params.get("error", ""), params.get("cause", "")
            execution.stop()
        return {"stopDate": time_of(execution.stopped_at)}

    def _list_executions(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"stateMachineArn", "mapRunArn", "statusFilter", "maxResults", "nextToken"})
        machine = self._machine(params["stateMachineArn"]) if "stateMachineArn" in params else None
        if machine in self._express:
            raise ServiceError(
                "StateMachineTypeNotSupported", "ListExecutions is not supported by EXPRESS"
            )
        found = [
            execution
            for execution in reversed(self._executions.values())
            if (
                execution.map_run == params["mapRunArn"]
                if "mapRunArn" in params
                else execution.machine == machine
            )
            and params.get("statusFilter") in (None, execution.status)
        ]
        first = int(params.get("nextToken", 0))
        last = first + (params.get("maxResults") or PAGE)
        answer: dict[str, Any] = {
            "executions": [_summary(execution) for execution in found[first:last]]
        }
        return {**answer, "nextToken": str(last)} if last < len(found) else answer

    def _get_execution_history(self, params: dict[str, Any]) -> dict[str, Any]:
        """The history: types and times of events, and names of states."""
        _known(params, {"executionArn"})
        events: list[dict[str, Any]] = []
        for number, (at, event, state) in enumerate(
            self._execution(params["executionArn"]).history, 1
        ):
            events.append(
                {
                    "id": number,
                    "previousEventId": number - 1,
                    "timestamp": time_of(at),
                    "type": event,
                }
            )
            if state is not None:
                details = (
                    "stateEnteredEventDetails"
                    if event.endswith("Entered")
                    else "stateExitedEventDetails"
                )
                events[-1][details] = {"name": state}
        return {"events": events}

    def _send_task_success(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"taskToken", "output"})
        attempt = self._open(params["taskToken"])
        try:
            output = _parsed(params["output"])
        except ValueError as error:
            raise ServiceError("InvalidOutput", f"Invalid Output: '{error}'") from None
        attempt.succeed(output)
        return {}

    def _send_task_failure(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"taskToken", "error", "cause"})
        self._open(params["taskToken"]).fail(params.get("error", ""), params.get("cause", ""))
        return {}

    def _send_task_heartbeat(self, params: dict[str, Any]) -> dict[str, Any]:
        _known(params, {"taskToken"})
        self._open(params["taskToken"])
        return {}

    def _open(self, token: str) -> Attempt:
        attempt = self.tokens.get(token)
        if attempt is None:
            raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")
        if not attempt.open:
            raise ServiceError(
                "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'"
            )
        return attempt

    def _machine(self, arn: str) -> str:
        name = arn.removeprefix(f"{PREFIX}:stateMachine:")
        if name not in self._machines:
            raise ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return name

    def _execution(self, arn: str) -> Execution:
        execution = self._executions.get(arn)
        if execution is not None and execution.express:
            raise ServiceError("InvalidArn", f"Invalid Arn: '{arn}' is of an Express execution")
        if execution is None:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return execution

    def _uuid(self) -> str:
        digits = f"{self.random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _summary(execution: Execution) -> dict[str, Any]:
    summary = {
        "executionArn": execution.arn,
        "stateMachineArn": f"{PREFIX}:stateMachine:{execution.machine}",
        "name": execution.name,
        "status": execution.status,
        "startDate": time_of(execution.started_at),
    }
    if execution.status != "RUNNING":
        summary["stopDate"] = time_of(execution.stopped_at)
    return summary if execution.map_run is None else {**summary, "mapRunArn": execution.map_run}


def _outcome(child: Execution) -> dict[str, Any]:
    """The entry in a Map's results for a child that did not succeed."""
    outcome = {
        "ExecutionArn": child.arn,
        "StateMachineArn": f"{PREFIX}:stateMachine:{child.machine}",
        "Name": child.name,
        "Status": child.status,
        "Input": child.input,
        "StartDate": time_of(child.started_at).isoformat(),
        "StopDate": time_of(child.stopped_at).isoformat(),
    }
    return (
        outcome
        if child.failure is None
        else {**outcome, "Error": child.failure[0], "Cause": child.failure[1]}
    )


def _error_and_cause(failure: Failure) -> dict[str, str]:
    return {name: text for name, text in zip(("error", "cause"), failure, strict=True) if text}


def _known(params: Mapping[str, Any], names: Collection[str]) -> None:
    for name in params:
        if name not in names:
            raise NotImplementedError(f"stepfunctions parameter {name}")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _parsed(text: str) -> Any:
    """Parse JSON. Raises ValueError if the text is invalid or too long."""
    if len(text.encode()) > MAX_DATA_BYTES:
        raise ValueError("too long")
    return _DECODER.decode(text)
