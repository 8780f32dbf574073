"""Shows the session: a live table in a terminal, plain lines elsewhere."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from local.session import Probe, Watched
from local.streamed import Streamed
from local.told import Told
from trading.domain.reconciliation.findings import INVARIANTS, Finding
from trading.domain.reconciliation.snapshot import Snapshot

LIFECYCLE = (
    "RECEIVED",
    "VALIDATED",
    "ROUTING",
    "FILLED",
    "CLEARING",
    "CLEARED",
    "SETTLING",
    "SETTLED",
)
HAPPY = {*LIFECYCLE, "PARTIALLY_FILLED"}


class Progress(Protocol):
    """Shows what the session does, and the status of its orders."""

    def say(self, stage: str) -> None: ...
    def show(self, watched: Iterable[Watched]) -> None: ...


class PlainProgress:
    """Prints a line whenever the status of an order changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[str, str] = {}

    def say(self, stage: str) -> None:
        """Print what the session does now."""
        self._console.print(f"-- {stage}", highlight=False, soft_wrap=True)

    def show(self, watched: Iterable[Watched]) -> None:
        """Print what has changed since the last call."""
        for order in watched:
            line = (
                f"{_title(order):<22} {order.play.title}: {order.status}, {_filled(order)} at "
                f"{_price(order)}"
            )
            if self._shown.get(order.order_id) != line:
                self._shown[order.order_id] = line
                self._console.print(line, highlight=False, soft_wrap=True)


class LiveProgress:
    """A table that stays in place."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._stage = ""

    def say(self, stage: str) -> None:
        """Show above the table what the session does now."""
        self._stage = stage

    def show(self, watched: Iterable[Watched]) -> None:
        """Draw the table anew."""
        self._live.update(orders_table(watched, self._stage))


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    """A live table on a terminal, else plain lines."""
    if not console.is_terminal:
        yield PlainProgress(console)
        return
    with Live(console=console, auto_refresh=True, refresh_per_second=8) as live:
        yield LiveProgress(live)


def orders_table(watched: Iterable[Watched], title: str) -> Table:
    """Draw a line for each order, a dot for each step. A narrow terminal cuts at the right."""
    table = Table(
        title=title,
        title_justify="left",
        header_style="dim",
        expand=True,
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("order", no_wrap=True)
    table.add_column("life", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("filled", justify="right", no_wrap=True)
    table.add_column("average", justify="right", no_wrap=True)
    table.add_column("note", no_wrap=True, overflow="ellipsis", ratio=1)
    for order in watched:
        life = "".join(
            "[green]●[/]" if status in order.passed else "[dim]·[/]" for status in LIFECYCLE
        )
        table.add_row(
            _title(order), life, _status(order), _filled(order), _price(order), _note(order)
        )
    table.caption = f"life: {' '.join(status.lower() for status in LIFECYCLE)}"
    return table


def probes_table(probes: Iterable[Probe]) -> Table:
    """Draw the answers to careless and hostile requests."""
    table = Table(title="Requests that must not pass", title_justify="left", header_style="dim")
    table.add_column("request")
    table.add_column("answer")
    table.add_column("")
    for probe in probes:
        answer = probe.got if probe.ok else f"{probe.got} (expected {probe.expected})"
        table.add_row(probe.title, answer, "[green]ok[/]" if probe.ok else "[bold red]wrong[/]")
    return table


def events_table(told: Iterable[Told], streams: Mapping[str, Streamed]) -> Table:
    """Draw how many events of each type the clients were told, by the feed and by the stream."""
    title = "Events (GET /api/v1/events, and the stream, whose connections are broken)"
    table = Table(title=title, title_justify="left", header_style="dim")
    table.add_column("client")
    table.add_column("events", justify="right")
    table.add_column("on the stream", justify="right")
    table.add_column("types")
    table.add_column("")
    for each in told:
        types = ", ".join(f"{number} {name}" for name, number in each.types.most_common())
        complaint = each.complaint()
        verdict = f"[bold red]{complaint}[/]" if complaint else "[green]ok[/]"
        stream = streams[each.client_id]
        streamed = f"{len(stream.sequences)} over {stream.connections} connections"
        table.add_row(each.client_id, str(len(each.events)), streamed, types, verdict)
    return table


def balances_table(snapshot: Snapshot) -> Table:
    """Draw the cash of the clients."""
    table = Table(title="Cash", title_justify="left", header_style="dim")
    for column in ("client", "available", "held", "unsettled", "total", "credit used"):
        table.add_column(column, justify="left" if column == "client" else "right")
    for account in sorted(snapshot.accounts, key=lambda a: a.client_id):
        amounts = (
            account.available,
            account.held,
            account.unsettled,
            account.total,
            account.credit_used,
        )
        table.add_row(account.client_id, *(f"{amount:,}" for amount in amounts))
    return table


def positions_table(snapshot: Snapshot) -> Table:
    """The clients' shares."""
    table = Table(title="Positions", title_justify="left", header_style="dim")
    for column in ("client", "symbol", "quantity", "held", "unsettled", "cost", "realised profit"):
        table.add_column(column, justify="left" if column in ("client", "symbol") else "right")
    for p in sorted(snapshot.positions, key=lambda p: (p.client_id, p.symbol)):
        money = (f"{p.cost_basis:,}", f"{p.realised_profit:,}")
        table.add_row(p.client_id, p.symbol, str(p.quantity), str(p.held), str(p.unsettled), *money)
    return table


def invariants_table(findings: Iterable[Finding]) -> Table:
    """Every invariant of the books, and whether it holds."""
    broken = {finding.invariant for finding in findings}
    table = Table(title="Reconciliation", title_justify="left", header_style="dim")
    table.add_column("", justify="right")
    table.add_column("invariant")
    table.add_column("")
    for number, text in INVARIANTS.items():
        table.add_row(
            str(number), text, "[bold red]broken[/]" if number in broken else "[green]ok[/]"
        )
    return table


def _title(order: Watched) -> str:
    body = order.play.body
    return f"{body['client_id']:<5} {body['side']:<4} {body['quantity']:>4} {body['stock_symbol']}"


def _filled(order: Watched) -> str:
    return f"{order.filled}/{order.play.body['quantity']}"


def _price(order: Watched) -> str:
    return str(order.shown.get("average_price") or "–")


def _status(order: Watched) -> str:
    if order.status == "PARTIALLY_FILLED":
        return "PARTIAL"
    if order.status in ("SETTLED", "CLEARED"):
        return f"[green]{order.status}[/]"
    return order.status if order.status in HAPPY else f"[yellow]{order.status}[/]"


def _note(order: Watched) -> str:
    """Why it ended otherwise, else what the order is."""
    if order.status in HAPPY:
        return f"[dim]{order.play.title}[/]"
    history = order.shown.get("status_history") or [{}]
    return f"[dim]{history[-1].get('reason') or order.play.title}[/]"
