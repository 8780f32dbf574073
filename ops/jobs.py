"""Start by hand what the schedules start. Each job may run any number of times."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from infra.catalog.names import SETTLEMENT_CYCLE
from ops.audit import AuditLog
from ops.exit_status import Exit
from ops.options import AsJson, Reason
from ops.target import Target
from trading.adapters.runtime import clock
from trading.domain.errors import DomainError
from trading.usecases.posttrade.settlement_cycle import check_startable
from workstation.screen import Screen

BusinessDate = Annotated[
    datetime | None,
    typer.Option(
        "--date", formats=["%Y-%m-%d"], help="Date of the session, for example 2026-11-24."
    ),
]
SettlementDate = Annotated[
    datetime | None,
    typer.Option(
        "--date",
        formats=["%Y-%m-%d"],
        help="Date on which trades were due, for example 2026-11-25.",
    ),
]


def sweep(ctx: typer.Context, reason: Reason, as_json: AsJson = False) -> None:
    """Run the sweeper now. It checks every order that is due."""
    _invoke(ctx, "sweeper", {}, reason, as_json)


def close_day(
    ctx: typer.Context, reason: Reason, date: BusinessDate = None, as_json: AsJson = False
) -> None:
    """Expire DAY orders of a business date and of earlier ones, even before the market closes.

    Without --date: of the sessions that are over. Example: ops close-day --date 2026-11-24 --reason
    "early close"
    """
    _invoke(
        ctx,
        "day-close",
        {"business_date": date.date().isoformat()} if date else {},
        reason,
        as_json,
    )


def settle(
    ctx: typer.Context, reason: Reason, date: SettlementDate = None, as_json: AsJson = False
) -> None:
    """Start the settlement cycle of a settlement date. Without --date: of today.

    A date after today in New York and a day without settlement are refused.
    """
    target: Target = ctx.obj
    screen = Screen(as_json)
    try:
        check_startable(date.date() if date else None, clock.now())
    except DomainError as error:
        screen.note(f"{error.code}: {error}. Nothing was started.", "red")
        raise typer.Exit(Exit.ATTENTION) from error
    given = {"settlement_date": date.date().isoformat()} if date else {}
    AuditLog(target).record(f"run/{SETTLEMENT_CYCLE}", "run", reason, input=json.dumps(given))
    started = target.stepfunctions.start_execution(
        stateMachineArn=target.states_arn("stateMachine", SETTLEMENT_CYCLE), input=json.dumps(given)
    )
    arn = started["executionArn"]
    screen.show({"execution_arn": arn}, f"Started: {arn}")


def _invoke(
    ctx: typer.Context, function: str, event: dict[str, Any], reason: str, as_json: bool
) -> None:
    target: Target = ctx.obj
    screen = Screen(as_json)
    answer, failed = run_function(target, function, event, reason)
    screen.show(answer, json.dumps(answer, indent=2))
    if failed:
        screen.note(f"{function} failed.", "red")
        raise typer.Exit(Exit.ATTENTION)


def run_function(
    target: Target, function: str, event: dict[str, Any], reason: str
) -> tuple[Any, bool]:
    """Invoke a function. Return its answer, and whether it failed."""
    AuditLog(target).record(f"run/{function}", "run", reason, input=json.dumps(event))
    answer = target.functions.invoke(
        FunctionName=target.called(function), Payload=json.dumps(event)
    )
    return json.loads(answer["Payload"].read() or b"null"), "FunctionError" in answer
