"""The patches of `local` that change MiniStack's workers. Each test runs a worker of its own."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.core import lambda_runtime  # type: ignore[import-untyped]

from local import crash_points, worker_logs, worker_script
from local.crash_points import INVOCATION, CrashPoint, Moment
from workstation.local_system import ACCOUNT, REGION, LocalSystem

FUNCTION = """
import boto3, os, sys

def handler(event, context):
    if "say" in event:
        print(event["say"], end=event.get("end", "\\n"))
    if event.get("raise"):
        raise RuntimeError("an error")
    if event.get("exit"):
        sys.stderr.flush()
        os._exit(1)
    if event.get("call"):
        client = boto3.client("sts", endpoint_url=event["call"])
        return client.get_caller_identity()["Account"]
    return "done"
"""
PROBE = "trading-dev-probe"

Invoke = Callable[..., dict[str, Any]]


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalSystem:
    """The directories of a local system whose patched MiniStack would run in this process."""
    system = LocalSystem(tmp_path, 1)
    system.scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(system.scratch))
    monkeypatch.setattr(
        lambda_runtime, "_PYTHON_WORKER_SCRIPT", lambda_runtime._PYTHON_WORKER_SCRIPT
    )
    drain = lambda_runtime.Worker._drain_stderr_bounded
    monkeypatch.setattr(lambda_runtime.Worker, "_drain_stderr_bounded", drain)
    worker_logs.apply()
    crash_points.apply()
    return system


@pytest.fixture
def invoke(system: LocalSystem) -> Iterator[Invoke]:
    """Invokes the probe function."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    config = {
        "FunctionName": PROBE,
        "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PROBE}",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Timeout": 60,
    }
    worker = lambda_runtime.Worker(PROBE, config, code.getvalue())

    def run(**event: Any) -> dict[str, Any]:
        answer: dict[str, Any] = worker.invoke(event, "a-request")
        return answer

    yield run
    worker.kill()


def test_an_invocation_gets_all_of_its_own_output_and_no_other(invoke: Invoke) -> None:
    assert [invoke(say=str(number))["log"] for number in range(20)] == [
        str(number) for number in range(20)
    ]
    assert invoke()["log"] == ""
    assert invoke(say="a\nb\n\nc")["log"] == "a\nb\n\nc"
    assert invoke(say="no line end", end="")["log"] == "no line end"
    assert invoke()["log"] == ""


def test_the_output_of_a_failure_is_read(invoke: Invoke) -> None:
    raised = invoke(say="before", **{"raise": True})
    assert (raised["status"], raised["error"], raised["log"]) == ("error", "an error", "before")
    died = invoke(say="last words", exit=True)
    assert (died["status"], died["log"]) == ("error", "last words")


def test_the_output_is_read_without_polling(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MiniStack itself sleeps between looks. The patch blocks until the mark is there."""
    invoke()

    def sleep(seconds: float) -> None:
        raise AssertionError(f"slept for {seconds} s")

    monkeypatch.setattr(lambda_runtime.time, "sleep", sleep)
    assert invoke()["result"] == "done"


@pytest.mark.parametrize("moment", Moment)
def test_a_worker_dies_once_at_its_crash_point(
    system: LocalSystem, invoke: Invoke, moment: Moment
) -> None:
    point = CrashPoint("probe", moment, INVOCATION)
    assert invoke()["result"] == "done"
    point.arm(system)
    assert not point.was_reached(system)
    said = invoke(say="at work")
    assert said["status"] == "error"
    assert said["log"] == ("at work" if moment is Moment.AFTER else "")
    assert point.was_reached(system)
    assert invoke()["result"] == "done"
    point.arm(system)
    assert not point.was_reached(system)
    point.disarm(system)
    assert invoke()["result"] == "done"


def test_a_worker_dies_after_a_call_only_if_the_call_succeeded(
    system: LocalSystem, invoke: Invoke
) -> None:
    before, after = (CrashPoint("probe", moment, "GetCallerIdentity") for moment in Moment)
    nobody = "http://127.0.0.1:9"
    after.arm(system)
    assert invoke(call=nobody)["status"] == "error"
    assert not after.was_reached(system)
    before.arm(system)
    assert "Could not connect" not in invoke(call=nobody)["error"]
    assert before.was_reached(system)


def test_a_changed_worker_script_is_noticed(system: LocalSystem) -> None:
    with pytest.raises(ValueError, match="does not have this once"):
        worker_script.replace("no such passage", "")
