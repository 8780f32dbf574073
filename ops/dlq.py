"""`ops dlq`: look into the dead-letter queues, redrive or discard their messages."""

from collections import Counter
from typing import Annotated

import typer
from rich.table import Table

from ops.audit import AuditLog
from ops.dead_letters import CannotRedriveError, DeadLetterQueue, DeadLetters, Done, Letter
from ops.exit_status import Exit
from ops.options import AsJson, Limit, Reason
from ops.target import Target
from trading.adapters.runtime import clock
from trading.domain.values import iso
from workstation.screen import Screen, in_words, table

app = typer.Typer(
    no_args_is_help=True,
    help="Look into the dead-letter queues, redrive or discard their messages.\n\n"
    "execution, clearing, settlement: messages of the clients' mailboxes. "
    "invocations: asynchronous invocations that failed three times. "
    "schedules: invocations that never reached their target. "
    "events: events that could not be read or delivered.",
)

Queue = Annotated[DeadLetterQueue, typer.Argument(show_default=False)]
MessageId = Annotated[
    str | None, typer.Option("--message", metavar="ID", help="Only this message.")
]
All = Annotated[
    bool, typer.Option("--all", help="All messages that are there when the command begins.")
]


@app.command("list")
def list_queues(ctx: typer.Context, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List the queues: number of messages, age of the oldest, reasons. Exit status 1 if any has
    one.

    Reasons are counted over the messages that can be seen. Of a mailbox queue these are ten of each
    client.
    """
    screen = Screen(as_json)
    dead_letters = _of(ctx, screen)
    answer, rows, now = [], [], clock.now()
    for queue in DeadLetterQueue:
        depth = dead_letters.depth(queue)
        letters = dead_letters.peek(queue, limit) if depth else []
        oldest = min((letter.sent_at for letter in letters), default=None)
        reasons = Counter(letter.reason.partition(":")[0] for letter in letters)
        depth = max(depth, len(letters))
        answer.append(
            {
                "queue": queue,
                "depth": depth,
                "seen": len(letters),
                "oldest_age_seconds": int((now - oldest).total_seconds()) if oldest else None,
                "reasons": dict(reasons),
            }
        )
        text = "\n".join(f"{count} × {reason}" for reason, count in reasons.most_common())
        rows.append((queue, depth, len(letters), in_words(now - oldest) if oldest else "", text))
    screen.show(
        answer,
        table("Dead-letter queues", ("queue", ">depth", ">seen", ">oldest", "reasons"), rows),
    )
    raise typer.Exit(Exit.ATTENTION if any(row["depth"] for row in answer) else Exit.OK)


@app.command()
def show(
    ctx: typer.Context,
    queue: Queue,
    message: MessageId = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show the messages of a queue: reason, body, attributes, number of receives.

    The messages stay in the queue, in their order. Example: ops dlq show execution
    """
    screen = Screen(as_json)
    letters = _of(ctx, screen).peek(queue, limit)
    if message is not None:
        letters = [letter for letter in letters if letter.message_id == message]
        if not letters:
            _not_seen(screen, message)
    answer = [
        {
            "message_id": letter.message_id,
            "group": letter.group,
            "order_id": letter.order_id,
            "sent_at": iso(letter.sent_at),
            "receives": letter.receives,
            "reason": letter.reason,
            "attributes": letter.attributes,
            "body": letter.body,
        }
        for letter in letters
    ]
    if not letters:
        screen.note("No message can be seen.")
    screen.show(answer, *map(_drawn, letters))


@app.command()
def redrive(
    ctx: typer.Context,
    queue: Queue,
    reason: Reason,
    message: MessageId = None,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """Do again what failed: send a message back to its mailbox, or repeat an invocation.

    Messages of one client go back in their order. A message that was handled before changes
    nothing. Example: ops dlq redrive execution --all --reason "exchange is back"
    """
    screen = Screen(as_json)
    _one_or_all(message, everything)
    try:
        done = _of(ctx, screen).redrive(queue, message, reason)
    except CannotRedriveError as error:
        screen.note(f"{error}. Do its work by hand, then discard it.", "red")
        raise typer.Exit(Exit.ATTENTION) from error
    _report(screen, "redriven", message, done)


@app.command()
def discard(
    ctx: typer.Context,
    queue: Queue,
    reason: Reason,
    message: MessageId = None,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """Delete messages. The audit log keeps their bodies."""
    screen = Screen(as_json)
    _one_or_all(message, everything)
    _report(screen, "discarded", message, _of(ctx, screen).discard(queue, message, reason))


def _of(ctx: typer.Context, screen: Screen) -> DeadLetters:
    target: Target = ctx.obj
    return DeadLetters(target, AuditLog(target), screen.note)


def _one_or_all(message: str | None, everything: bool) -> None:
    if (message is None) == (not everything):
        raise typer.BadParameter("say either --message ID or --all")


def _report(screen: Screen, past: str, message: str | None, done: Done) -> None:
    if message is not None and not done.handled:
        _not_seen(screen, message)
    screen.show({past: done.handled, "left": done.left}, f"{done.handled} {past}.")
    if done.left:
        screen.note(f"{done.left} arrived after the command began and are left.", "yellow")


def _not_seen(screen: Screen, message: str) -> None:
    screen.note(
        f"{message} cannot be seen. Of a mailbox queue, only the first ten messages of each "
        "client can. While somebody else looks at a message, it is hidden for a minute at most.",
        "red",
    )
    raise typer.Exit(Exit.ATTENTION)


def _drawn(letter: Letter) -> Table:
    rows = [
        ("reason", letter.reason),
        ("sent", iso(letter.sent_at)),
        ("receives", letter.receives),
        ("group", letter.group),
        ("order", letter.order_id),
        *((name, value) for name, value in letter.attributes.items() if name != "reason"),
        ("body", letter.body),
    ]
    return table(letter.message_id, ("", ""), rows)
