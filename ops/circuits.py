"""`ops circuits`: show the circuit breaker of each exchange and the latest outage."""

from datetime import UTC, datetime, timedelta
from typing import Any

import typer
from rich.text import Text

from ops.exit_status import Exit
from ops.options import AsJson
from ops.target import Target
from trading.adapters.runtime import clock
from trading.adapters.venues.circuit import Outage, control_items, outage_name, outage_of
from trading.adapters.venues.exchanges import RECOVERY_SECONDS, circuit_name
from trading.adapters.venues.health import quality_name
from trading.domain.values import iso
from workstation.screen import Screen, in_words, table

SHOWN = 120
STYLES = {"closed": "green", "half-open": "yellow", "open": "red"}


def circuits(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the circuit breaker of each exchange, its latest outage and its execution quality.

    Exit status 1 if a circuit is not closed.
    """
    target: Target = ctx.obj
    exchange_ids = sorted(exchange.exchange_id for exchange in target.books.exchanges())
    names = [name(e) for e in exchange_ids for name in (circuit_name, outage_name, quality_name)]
    items = control_items(target.dynamodb, target.named("control"), names)
    answer, rows = [], []
    for exchange_id in exchange_ids:
        circuit = items.get(circuit_name(exchange_id), {})
        outage = outage_of(items.get(outage_name(exchange_id), {}))
        quality = items.get(quality_name(exchange_id), {}).get("score")
        state = str(circuit.get("state", "CLOSED")).lower().replace("_", "-")
        since = _since(state, circuit, outage)
        answer.append(
            {
                "exchange_id": exchange_id,
                "state": state,
                "since": iso(since) if since else None,
                "quality": quality,
                "latest_outage": outage.model_dump(mode="json") if outage else None,
            }
        )
        rows.append(
            (
                exchange_id,
                Text(state, style=STYLES[state]),
                iso(since) if since else "",
                _probe(state, since),
                *(
                    (outage.failures, iso(outage.opened_at), _short(outage.cause))
                    if outage
                    else ("", "", "")
                ),
                _last_probe(outage) if outage else "",
                quality if quality is not None else "",
            )
        )
    columns = (
        "exchange",
        "circuit",
        "since",
        "probe",
        ">failures",
        "opened",
        "opened by",
        "last failed probe",
        ">quality",
    )
    Screen(as_json).show(answer, table("Circuits, with the latest outage of each", columns, rows))
    raise typer.Exit(Exit.OK if all(row["state"] == "closed" for row in answer) else Exit.ATTENTION)


def _since(state: str, circuit: dict[str, Any], outage: Outage | None) -> datetime | None:
    if state == "closed":
        return outage.closed_at if outage else None
    if outage is not None and outage.closed_at is None:
        return outage.opened_at
    return (
        datetime.fromtimestamp(int(circuit["opened_at"]), UTC) if "opened_at" in circuit else None
    )


def _last_probe(outage: Outage) -> str:
    failed_since = outage.last_failed_at > outage.opened_at
    return f"{iso(outage.last_failed_at)} {_short(outage.last_error)}" if failed_since else ""


def _short(error: str) -> str:
    """JSON has it whole."""
    return error if len(error) <= SHOWN else f"{error[:SHOWN]} ..."


def _probe(state: str, since: datetime | None) -> str:
    if state == "half-open":
        return "under way"
    if state == "closed" or since is None:
        return ""
    due = since + timedelta(seconds=RECOVERY_SECONDS) - clock.now()
    return f"in {in_words(due)}" if due > timedelta() else "with the next call"
