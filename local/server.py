"""Starts and stops the local AWS in the background."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import httpx

from workstation.local_system import REGION, ROOT, LocalError, LocalSystem

START_SECONDS = 60
STOP_SECONDS = 60


def start(system: LocalSystem, *, keep_state: bool) -> None:
    """Start the local AWS, from the state that `stop` has saved or from nothing.

    With `keep_state`, one that runs already is used.
    """
    if keep_state and system.is_running:
        return
    stop(system)
    if _port_is_taken(system.port):
        raise LocalError(
            f"port {system.port} is in use by another program",
            f"Stop that program, or choose another port: make run TRADING_PORT={system.port + 1}",
        )
    if not keep_state:
        shutil.rmtree(system.state, ignore_errors=True)
        system.aws_log.unlink(missing_ok=True)
    system.state.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(system.scratch, ignore_errors=True)
    system.scratch.mkdir(exist_ok=True)
    with system.aws_log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.aws", str(system.pid_file)],
            cwd=ROOT,
            env=_server_environment(system),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(system):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise LocalError(
                "the local AWS did not come up; the end of "
                f"{system.aws_log}:\n{tail(system.aws_log.read_text())}",
                "Read the log; `make run` starts again from a clean state.",
            )
        time.sleep(0.1)


def stop(system: LocalSystem) -> bool:
    """Stop the local AWS and let it save its state. Return whether it was running.

    MiniStack saves on SIGTERM. If it does not end in time, it is killed with its workers. Changes
    since its start are then lost, and the error says so.
    """
    pid = system.pid
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    if not _has_ended(system, STOP_SECONDS):
        os.killpg(pid, signal.SIGKILL)
        raise LocalError(
            f"the local AWS did not stop within {STOP_SECONDS} s and was killed without saving "
            "its state",
            f"The next `make run` starts clean. If this repeats, look into {system.aws_log}.",
        )
    shutil.rmtree(system.scratch, ignore_errors=True)
    return True


def tail(text: str, lines: int = 25) -> str:
    """Return the last lines of a log."""
    return "\n".join(text.splitlines()[-lines:])


def _server_environment(system: LocalSystem) -> dict[str, str]:
    # A short list: the workers inherit it, and on AWS they do not see our shell either.
    inherited = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    state = system.state / "aws"
    return {
        **inherited,
        "GATEWAY_PORT": str(system.port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(system.scratch),
    }


def _has_ended(system: LocalSystem, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while system.pid is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _port_is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ready(system: LocalSystem) -> bool:
    try:
        return httpx.get(f"{system.endpoint}/_ministack/ready", timeout=5).is_success
    except httpx.TransportError:
        return False
