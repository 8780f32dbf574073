"""Deploys the app to the local AWS with the command line of the CDK, as it is deployed to AWS."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from local.server import tail
from workstation.local_system import ACCOUNT, REGION, ROOT, LocalError, LocalSystem

LAYERS_SECONDS = 600
BOOTSTRAP_SECONDS = 300
DEPLOY_SECONDS = 900


def deploy(system: LocalSystem, progress: Callable[[str], None]) -> dict[str, str]:
    """Build the layers, bootstrap, deploy all stacks. Return the outputs of the stacks.

    `progress` gets the last line of the output, again and again.
    """
    system.deploy_log.unlink(missing_ok=True)
    cdk = [str(Path(sys.executable).parent / "cdk"), "--no-notices", "--no-color"]
    bootstrap = [*cdk, "bootstrap", f"aws://{ACCOUNT}/{REGION}"]
    deployment = [*cdk, "deploy", "--all", "--require-approval", "never", "-c", "layers=local"]
    deployment += ["-c", f"origins={','.join(system.origins)}"]
    deployment += [
        "--output",
        str(system.directory / "cdk.out"),
        "--outputs-file",
        str(system.outputs_file),
    ]
    _run(system, [sys.executable, "-m", "local.layers", "local"], LAYERS_SECONDS, progress)
    # Run it away from cdk.json. Otherwise the CDK would synthesize the app and not use it.
    _run(system, bootstrap, BOOTSTRAP_SECONDS, progress, directory=system.directory)
    _run(system, deployment, DEPLOY_SECONDS, progress)
    return outputs(system)


def outputs(system: LocalSystem) -> dict[str, str]:
    """Return the outputs of all stacks of the last deployment."""
    try:
        stacks: dict[str, dict[str, str]] = json.loads(system.outputs_file.read_text())
    except FileNotFoundError as error:
        raise LocalError("nothing is deployed here yet", "Run `make run` first.") from error
    return {name: value for stack in stacks.values() for name, value in stack.items()}


def _run(
    system: LocalSystem,
    command: list[str],
    seconds: int,
    progress: Callable[[str], None],
    directory: Path = ROOT,
) -> None:
    environment = system.tool_environment() | {"CDK_DISABLE_CLI_TELEMETRY": "true", "CI": "true"}
    deadline = time.monotonic() + seconds
    with system.deploy_log.open("a+", errors="replace") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        start = log.tell()
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.25)
                progress(_last_line(log.name, start))
        finally:
            ended = process.poll()
            if ended is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        log.seek(start)
        said = log.read()
    if ended != 0:
        what = (
            f"did not end within {seconds} s"
            if ended is None
            else f"failed with exit status {ended}"
        )
        raise LocalError(
            f"`{' '.join(command)}` {what}. Its output:\n{_complaints(said)}",
            f"The full output is in {system.deploy_log}. Fix the cause and run `make run` again.",
        )


def _complaints(text: str) -> str:
    # CloudFormation rolls back after a failure, so the cause is far above the end.
    failures = [line for line in text.splitlines() if "_FAILED" in line]
    return "\n".join([*failures[:10], tail(text)])


def _last_line(path: str, start: int) -> str:
    with open(path, errors="replace") as log:
        log.seek(start)
        lines = [line.strip() for line in log if line.strip()]
    return lines[-1] if lines else ""
