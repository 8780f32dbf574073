"""Kills a worker at a given point of its work, for tests of what a crash leaves behind.

A test arms a point: a function, an AWS operation, and whether to die before or after it. The first
worker that reaches the point takes the order to die and kills itself, as SIGKILL from outside
would. Nothing depends on when anybody looks. An unarmed system behaves as without this patch.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from local import worker_script
from workstation.local_system import STAGE, LocalSystem

DIRECTORY = "crash-points"
"""Inside of the local AWS's scratch directory, which is its workers' TMPDIR."""
REACHED = ".reached"
INVOCATION = "invocation"
"""In place of an AWS operation: the handler as a whole."""

WORKER_CODE = f'''
def _crash_at(moment, operation):
    import os, signal
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    file = f"{{name}}.{{moment}}.{{operation}}"
    point = os.path.join(os.environ.get("TMPDIR", ""), "{DIRECTORY}", file)
    try:
        os.rename(point, point + "{REACHED}")  # one worker wins
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGKILL)

def _install_crash_points():
    try:
        import botocore.handlers
    except ImportError:
        return

    def _before(model, **kwargs):
        _crash_at("before", model.name)

    def _after(model, http_response, **kwargs):
        if http_response.status_code < 300:
            _crash_at("after", model.name)

    botocore.handlers.BUILTIN_HANDLERS.extend([("before-call", _before), ("after-call", _after)])

'''
HANDLER_CALL = "            result = handler_fn(event, context)\n"


class Moment(StrEnum):
    """When a worker dies: before the call is sent, or after it has succeeded."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class CrashPoint:
    """A point at which a function's worker dies, e.g. `clearing` after `TransactWriteItems`."""

    function: str
    moment: Moment
    operation: str

    def arm(self, system: LocalSystem) -> None:
        """Let the next worker that reaches the point die there."""
        path = self._path(system)
        path.parent.mkdir(exist_ok=True)
        self._reached(system).unlink(missing_ok=True)
        path.touch()

    def disarm(self, system: LocalSystem) -> None:
        """Let nobody die here any more."""
        self._path(system).unlink(missing_ok=True)

    def was_reached(self, system: LocalSystem) -> bool:
        """Whether a worker has died here since the point was armed."""
        return self._reached(system).exists()

    def _path(self, system: LocalSystem) -> Path:
        name = f"trading-{STAGE}-{self.function}.{self.moment}.{self.operation}"
        return system.scratch / DIRECTORY / name

    def _reached(self, system: LocalSystem) -> Path:
        path = self._path(system)
        return path.with_name(path.name + REACHED)


def apply() -> None:
    """Extend MiniStack's worker script. Once a process, before it serves."""
    worker_script.prepend(WORKER_CODE)
    worker_script.replace(
        "    _ms_install_invoke_depth()\n    try:\n",
        "    _ms_install_invoke_depth()\n    _install_crash_points()\n    try:\n",
    )
    worker_script.replace(
        HANDLER_CALL,
        f'            _crash_at("{Moment.BEFORE}", "{INVOCATION}")\n'
        f"{HANDLER_CALL}"
        f'            _crash_at("{Moment.AFTER}", "{INVOCATION}")\n',
    )
