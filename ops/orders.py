"""`ops orders`: list stuck orders, show an order, resolve an order that is flagged for review."""

import json
from typing import Annotated, Any

import typer
from rich.text import Text

from infra.catalog.names import ORDER_LIFECYCLE, WORKFLOW_LOGS
from ops.audit import AuditLog
from ops.dead_letters import DeadLetterQueue, DeadLetters, Letter
from ops.exit_status import Exit
from ops.options import AsJson, Limit, Reason, duration
from ops.stuck import StuckOrders, counted
from ops.target import Target
from trading.adapters.messaging.run_log import RunFailure, RunLog
from trading.adapters.runtime import clock
from trading.domain.clients.roles import LOOK
from trading.domain.ledger import Break, LedgerEntry
from trading.domain.orders.attention import attention_of
from trading.domain.orders.order import Order
from trading.domain.orders.watch import watched_until
from trading.domain.values import iso
from workstation.screen import Screen, in_words, table

app = typer.Typer(
    no_args_is_help=True, help="List stuck orders, show an order, resolve a flagged order."
)

OrderId = Annotated[str, typer.Argument(metavar="ORDER_ID", show_default=False)]
OlderThan = Annotated[
    Any,
    typer.Option(
        parser=duration, metavar="90s|5m|2h|1d", help="Only orders without progress for this long."
    ),
]


@app.command()
def stuck(
    ctx: typer.Context, older_than: OlderThan = "5m", limit: Limit = 1000, as_json: AsJson = False
) -> None:
    """List orders that make no progress, oldest first, with the step that they wait at.

    An order that rests at an exchange is not stuck: the sweeper asks about it every half hour.
    Exit status 1 if an order is stuck. Example: ops orders stuck --older-than 10m
    """
    target: Target = ctx.obj
    screen = Screen(as_json)
    found, complete = StuckOrders(target.books, clock.now).find(older_than, limit)
    now = clock.now()
    answer = {
        "complete": complete,
        "stages": counted(found),
        "orders": [
            {
                "order_id": s.order_id,
                "client_id": s.client_id,
                "stage": s.step,
                "status": s.status,
                "since": iso(s.since),
                "age_seconds": int((now - s.since).total_seconds()),
                "detail": s.detail,
            }
            for s in found
        ],
    }
    steps = table("Steps", ("step", ">orders"), counted(found).items())
    rows = (
        (s.order_id, s.client_id, s.step, s.status, in_words(now - s.since), s.detail)
        for s in found
    )
    orders = table("Stuck orders", ("order", "client", "step", "status", ">for", "detail"), rows)
    screen.show(answer, *((steps, orders) if found else ("No order is stuck.",)))
    if not complete:
        screen.note(
            f"There may be more: the command looked at the {limit} oldest only (see --limit).",
            "yellow",
        )
    raise typer.Exit(Exit.ATTENTION if found else Exit.OK)


@app.command()
def show(ctx: typer.Context, order_id: OrderId, as_json: AsJson = False) -> None:
    """Show an order: terms, history, children, ledger entries, and the runs of its workflow.

    Messages about it in the dead-letter queues are shown, too.
    """
    target: Target = ctx.obj
    screen = Screen(as_json)
    order = target.books.order(order_id)
    if order is None:
        screen.note(f"There is no order {order_id}.", "red")
        raise typer.Exit(Exit.ATTENTION)
    AuditLog(target).record_if_possible(
        f"client/{order.client_id}", LOOK, "order", order_id=order_id
    )
    entries = target.books.entries(order.trades)
    failures = RunLog(target.logs, WORKFLOW_LOGS + target.named(ORDER_LIFECYCLE), clock.now)(order)
    workflow = _workflow(order, failures)
    letters = _letters_about(target, screen, order_id)
    answer = {
        "order": order.model_dump(mode="json"),
        "workflow": workflow,
        "ledger": [entry.model_dump(mode="json") for entry in entries],
        "dead_letters": [
            {"queue": m.queue, "message_id": m.message_id, "reason": m.reason} for m in letters
        ],
    }
    screen.show(answer, *_parts(order, workflow, entries, letters))


@app.command()
def resolve(ctx: typer.Context, order_id: OrderId, reason: Reason, as_json: AsJson = False) -> None:
    """Clear the review flag of an order, once its cause is dealt with.

    Breaks of the order stay in the ledger.
    """
    target: Target = ctx.obj
    screen = Screen(as_json)
    order = target.books.order(order_id)
    if order is None or order.review_reason is None:
        screen.note(f"There is no order {order_id} that is flagged.", "red")
        raise typer.Exit(Exit.ATTENTION)
    AuditLog(target).record(
        f"order/{order_id}", "resolve", reason, review_reason=order.review_reason
    )
    target.books.commit(order.reviewed())
    screen.show(
        {"order_id": order_id, "resolved": order.review_reason},
        f"{order_id} is not flagged any more.",
    )


def _letters_about(target: Target, screen: Screen, order_id: str) -> list[Letter]:
    dead_letters = DeadLetters(target, AuditLog(target), screen.note)
    mailboxes = [
        queue for queue in DeadLetterQueue if queue.is_mailbox and dead_letters.depth(queue)
    ]
    return [
        m for queue in mailboxes for m in dead_letters.peek(queue, 1000) if m.order_id == order_id
    ]


def _parts(
    order: Order, workflow: dict[str, Any], entries: list[LedgerEntry] | Any, letters: list[Letter]
) -> list[Any]:
    kept = {"history", "children", "trades", "fingerprint", "version"}
    terms = order.model_dump(mode="json", exclude=kept, exclude_none=True)
    parts = [
        table(
            f"Order {order.order_id}",
            ("", ""),
            ((k, _plain(v)) for k, v in terms.items() if k != "order_id"),
        ),
        table(
            "History",
            ("time", "status", "reason"),
            ((iso(h.time), h.status, h.reason) for h in order.history),
        ),
        table(
            "Children",
            (">", "exchange", ">quantity", ">filled", ">live", "status", "reason"),
            (
                (c.number, c.exchange_id, c.quantity, c.filled, c.leaves, c.outcome, c.reason)
                for c in order.children
            ),
        ),
        table(
            "Ledger",
            ("trade", "kind", "booked", "postings"),
            ((e.trade_id, _kind(e), iso(e.booked_at), _postings(e)) for e in entries),
        ),
        table(
            "Workflow",
            ("", ""),
            ((name.replace("_", " "), _plain(value)) for name, value in workflow.items()),
        ),
    ]
    if letters:
        rows = ((m.queue, m.message_id, m.reason) for m in letters)
        parts.append(table("In dead-letter queues", ("queue", "message", "reason"), rows))
    return parts


def _workflow(order: Order, failures: tuple[RunFailure, ...] | None) -> dict[str, Any]:
    """When the first run stops looking at the order, what is due next, and which runs failed.

    The failures are None if their log cannot be read.
    """
    until = watched_until(order)
    due = attention_of(order, clock.now())
    return {
        "looks_until": iso(until) if until else None,
        "next_push": iso(order.attention_at) if order.attention_at else None,
        "reason": due.reason if due else None,
        "failures": None
        if failures is None
        else [failure.model_dump(mode="json") for failure in failures],
    }


def _kind(entry: LedgerEntry) -> str | Text:
    return (
        Text(f"BREAK {entry.code}: {entry.reason}", style="red")
        if isinstance(entry, Break)
        else entry.kind
    )


def _postings(entry: LedgerEntry) -> str:
    return "\n".join(f"{p.account} {p.amount:+f} {p.asset}" for p in entry.postings)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
