"""`ops writers`: stop everything that writes the books or carries events, and start it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from infra.catalog.functions import FUNCTIONS, OF_EVENTS
from infra.catalog.grants import GRANTS
from infra.catalog.names import MAILBOXES
from infra.catalog.tables import TABLES
from ops.audit import AuditLog
from ops.exit_status import Exit
from ops.options import AsJson, Reason
from ops.target import EVENTS, WITNESS, Target
from workstation.screen import Screen, table

WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
OF_A_SCHEDULE = (
    "Name",
    "GroupName",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "FlexibleTimeWindow",
    "Target",
    "Description",
    "StartDate",
    "EndDate",
    "KmsKeyArn",
    "ActionAfterCompletion",
)
"""The fields that UpdateSchedule takes. It resets those that it does not get."""

QUEUES = {
    **{f"mailbox {name}": f"{name}.fifo" for name in MAILBOXES},
    f"queue {EVENTS}": EVENTS,
}
"""The queues that invoke functions, by what `show` calls them."""

app = typer.Typer(
    no_args_is_help=True,
    help="Stop and start the functions that write the books or carry events.",
)


def kept_tables() -> tuple[str, ...]:
    """The tables that cannot be rebuilt."""
    return tuple(name for name, spec in TABLES.items() if spec.is_kept)


def stopped_functions() -> tuple[str, ...]:
    """The functions that may write a table that cannot be rebuilt, that read a mailbox, or that
    carry events: an event on its way would reach the log after a restore that undid it.
    """
    kept = {f"tables/{name}" for name in kept_tables()}
    return tuple(
        name
        for name in FUNCTIONS
        if name in (*MAILBOXES, *OF_EVENTS)
        or any(
            WRITES & set(actions.split())
            for resource, actions in GRANTS[name].items()
            if resource in kept
        )
    )


@dataclass(frozen=True)
class Writers:
    """The functions of a deployment that `stop` stops, their queues, and all schedules."""

    target: Target

    def are_stopped(self) -> bool:
        """Whether none of the functions can run."""
        return all(concurrency == 0 for concurrency in self.concurrencies().values())

    def state(self) -> dict[str, bool]:
        """Whether each function, queue and schedule is stopped, by its kind and name."""
        return {
            **{f"function {name}": at == 0 for name, at in self.concurrencies().items()},
            **{
                name: any(
                    mapping["State"] in ("Disabling", "Disabled")
                    for mapping in self._mappings(queue)
                )
                for name, queue in QUEUES.items()
            },
            **{
                f"schedule {name.removeprefix(self.target.named(''))}": (
                    self.target.scheduler.get_schedule(Name=name)["State"] == "DISABLED"
                )
                for name in self._schedules()
            },
        }

    def concurrencies(self) -> dict[str, int | None]:
        """The reserved concurrency of each of the functions, None if it has none."""
        return {
            name: self.target.functions.get_function_concurrency(
                FunctionName=self._physical(name)
            ).get("ReservedConcurrentExecutions")
            for name in stopped_functions()
        }

    def stop(self) -> None:
        """Let nothing start. Schedules come first, so that no event is dropped at a function.

        The witness is the first to stop, and the last that `start` starts. So it also tells of a
        `stop` or a `start` that died. Both can be repeated.
        """
        self._switch_schedules(self._schedules(), "DISABLED")
        self._switch_queues(False)
        for name in stopped_functions():
            self.target.functions.put_function_concurrency(
                FunctionName=self._physical(name), ReservedConcurrentExecutions=0
            )

    def start(self) -> None:
        """Undo `stop`."""
        reserves = self._reserves()
        for name in stopped_functions():
            self._release(name, reserves)
        self._switch_queues(True)
        self._switch_schedules(self._schedules()[::-1], "ENABLED")

    def _reserves(self) -> bool:
        """Whether the deployment reserves concurrency: a function that is not stopped tells."""
        witness = next(
            name
            for name, spec in FUNCTIONS.items()
            if spec.reserved and name not in stopped_functions()
        )
        answer = self.target.functions.get_function_concurrency(
            FunctionName=self._physical(witness)
        )
        return "ReservedConcurrentExecutions" in answer

    def _release(self, name: str, reserves: bool) -> None:
        """Give the function the concurrency that the catalog reserves for it, if any."""
        reserved = FUNCTIONS[name].reserved
        if reserves and reserved:
            self.target.functions.put_function_concurrency(
                FunctionName=self._physical(name), ReservedConcurrentExecutions=reserved
            )
        else:
            self.target.functions.delete_function_concurrency(FunctionName=self._physical(name))

    def _switch_queues(self, on: bool) -> None:
        for queue in QUEUES.values():
            for mapping in self._mappings(queue):
                self.target.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)

    def _mappings(self, queue: str) -> list[Any]:
        source = self.target.queue_arn(queue)
        answer = self.target.functions.list_event_source_mappings(EventSourceArn=source)
        return list(answer["EventSourceMappings"])

    def _switch_schedules(self, names: Sequence[str], state: str) -> None:
        for name in names:
            schedule: dict[str, Any] = dict(self.target.scheduler.get_schedule(Name=name))
            known = {key: schedule[key] for key in OF_A_SCHEDULE if schedule.get(key) is not None}
            self.target.scheduler.update_schedule(**known, State=state)

    def _schedules(self) -> list[str]:
        """The physical names of all schedules, the witness first."""
        pages = self.target.scheduler.get_paginator("list_schedules")
        found = [
            each["Name"]
            for page in pages.paginate(NamePrefix=self.target.named(""))
            for each in page["Schedules"]
        ]
        return sorted(found, key=lambda name: (name != self.target.named(WITNESS), name))

    def _physical(self, name: str) -> str:
        return self.target.named(name.replace("_", "-"))


@app.command()
def show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show which functions that write or carry events, which queues and schedules are stopped.

    Exit status 1 if anything is stopped. If only a part is, `stop` or `start` has died: repeat it.
    """
    state = Writers(ctx.obj).state()
    rows = ((name, "stopped" if stopped else "may run") for name, stopped in state.items())
    stopped = [name for name, is_stopped in state.items() if is_stopped]
    Screen(as_json).show(
        {"stopped": stopped, "running": [name for name in state if name not in stopped]},
        table("What writes the books or carries events", ("", "state"), rows),
    )
    raise typer.Exit(Exit.ATTENTION if stopped else Exit.OK)


@app.command()
def stop(ctx: typer.Context, reason: Reason, as_json: AsJson = False) -> None:
    """Stop all functions that write the books or carry events, their queues, and the schedules.

    Requests are answered with errors from now on. Running invocations go on for at most 5 minutes,
    the longest time-out among these functions. If the command dies, repeat it, or `start`.
    """
    AuditLog(ctx.obj).record_if_possible("run/writers", "stop", reason)
    Writers(ctx.obj).stop()
    Screen(as_json).show(
        {"stopped": list(stopped_functions())},
        "Stopped until: ops writers start. Running invocations end within 5 minutes.",
    )


@app.command()
def start(ctx: typer.Context, reason: Reason, as_json: AsJson = False) -> None:
    """Start what `stop` has stopped. The sweeper then finds every order that has to go on.

    If the command dies, repeat it.
    """
    Writers(ctx.obj).start()
    AuditLog(ctx.obj).record_if_possible("run/writers", "start", reason)
    Screen(as_json).show({"started": list(stopped_functions())}, "Started.")
