"""`make run`: starts from nothing and ends with a settled trading session."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from rich.console import Console

from local import books, day, deploy, seed, server, session, told, view, warm_up
from local.api import Credentials, TradingClient, http_api_url, rest_api_url
from local.session import Probe, Watched
from local.streamed import Streamed, complaints
from trading.domain.reconciliation.checks import check
from trading.domain.reference import calendars
from workstation.local_system import STAGE, LocalError, LocalSystem
from workstation.stream import EventStream

TRADING_SECONDS = 300
CLOSING_SECONDS = 180
POLL_SECONDS = 0.5
CLI_COMMANDS = """# from a terminal (docs/how-to/command-line.md):
bin/trading portfolio
bin/trading place buy 10 KO
bin/trading orders --watch
bin/trading stream

# over HTTP:"""


def run(system: LocalSystem, console: Console, *, keep_state: bool) -> bool:
    """Start, deploy, seed, trade and settle. The system stays up. Return whether all is right."""
    what = "the state that was kept" if keep_state else "a clean state"
    with _step(console, f"Local AWS from {what} on port {system.port}"):
        server.start(system, keep_state=keep_state)
    up(system, console)
    ok = play(system, console)
    guide(system, console)
    return ok


def up(system: LocalSystem, console: Console) -> None:
    """Deploy the present code to the running local AWS, and seed it."""
    require_running(system)
    with _step(console, "Layers, cdk bootstrap, cdk deploy") as progress:
        deploy.deploy(system, progress)
    with _step(console, "Reference data and demo clients"):
        seed.seed(system)
    with _step(console, "First start of the functions"):
        warm_up.warm_up(system)


def require_running(system: LocalSystem) -> None:
    """Raise LocalError unless the local AWS runs."""
    if not system.is_running:
        raise LocalError("the local system is not running", "Start it: make run")


def api_url(system: LocalSystem) -> str:
    """Return the address of the public API."""
    return rest_api_url(system.endpoint, deploy.outputs(system)["PublicApiId"], STAGE)


def callbacks_url(system: LocalSystem) -> str:
    """Return the address of the API that exchanges call back."""
    return http_api_url(system.endpoint, deploy.outputs(system)["CallbacksApiId"])


def play(system: LocalSystem, console: Console) -> bool:
    """Play a trading session, from log-in to reconciliation. Return whether all is right."""
    require_running(system)
    run_id = f"run-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    business_date = day.business_date()
    settlement_date = calendars.settlement_date(business_date, 1)
    console.rule(f"Trading session of {business_date}")
    base_url = api_url(system)
    watched: list[Watched] = []
    with ExitStack() as stack:
        credentials = seed.credentials(system)
        clients = {
            name: stack.enter_context(TradingClient(base_url, credentials[name]))
            for name in seed.DEMO_CLIENT_IDS
        }
        tokens = {name: client.log_in(f"{run_id}-{name}") for name, client in clients.items()}
        began = told.sequences(clients)
        stream = seed.stream_address(system)
        streams = {
            name: stack.enter_context(
                Streamed(name, EventStream(stream, client.token, since=began[name]))
            )
            for name, client in clients.items()
        }
        with view.progress(console) as progress:

            def placed(order: Watched) -> None:
                watched.append(order)
                progress.show(watched)

            progress.say("Placing orders")
            session.place_all(clients, run_id, placed)
            probes = session.probe(clients, base_url, run_id, tokens["alice"])
            look = _looker(clients, watched, progress)
            progress.say("Trading (the sweeper asks a silent exchange within two minutes)")
            _wait(look, lambda: all(order.has_traded for order in watched), TRADING_SECONDS)
            progress.say(f"Closing {business_date}: DAY orders expire")
            day.invoke(system, "day-close", {"business_date": business_date.isoformat()})
            _wait(look, lambda: all(order.is_closed for order in watched), CLOSING_SECONDS)
            progress.say(
                f"Settling obligations due on {settlement_date} (refused instructions are retried)"
            )
            settlement = day.settle(system, settlement_date, look)
            progress.say("Orders")
            look()
            progress.say("Events")
            events = told.follow(clients, began)
        wrong = complaints(streams, events)
        wrong += [f"events of {each.client_id}: {c}" for each in events if (c := each.complaint())]
    console.print(view.events_table(events, streams))
    return _report(
        system, console, watched, probes, wrong, f"Settlement of {settlement_date}: {settlement}"
    )


def guide(system: LocalSystem, console: Console) -> None:
    """Print the addresses of the system, and commands to try."""
    alice = seed.credentials(system)["alice"]
    console.rule("The system stays up")
    console.print(
        "stop it: make stop   once more: make run (clean) or make run KEEP=1   "
        f"logs: {system.aws_log}\n"
    )
    # Printed without Rich: wrapped or coloured commands could not be copied.
    print(CLI_COMMANDS)
    print(_curl_commands(api_url(system), alice))


def _looker(
    clients: dict[str, TradingClient], watched: list[Watched], progress: view.Progress
) -> Callable[[], None]:
    def look() -> None:
        session.refresh(clients, watched)
        progress.show(watched)

    return look


def _wait(look: Callable[[], None], done: Callable[[], bool], seconds: int) -> None:
    """Look until done or until the time is over. The report then tells what is missing."""
    deadline = time.monotonic() + seconds
    look()
    while not done() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        look()


def _report(
    system: LocalSystem,
    console: Console,
    watched: list[Watched],
    probes: list[Probe],
    wrong: list[str],
    settlement: str,
) -> bool:
    if not console.is_terminal:
        console.print(view.orders_table(watched, "Orders"))
    console.print(view.probes_table(probes))
    console.print(settlement, highlight=False)
    snapshot = books.snapshot(system, day_is_over=True)
    findings = check(snapshot)
    console.print(view.balances_table(snapshot))
    console.print(view.positions_table(snapshot))
    console.print(view.invariants_table(findings))
    found = [f"order {o.order_id} ({o.play.title}) {c}" for o in watched if (c := o.complaint())]
    found += [f"{probe.title}: answered {probe.got}" for probe in probes if not probe.ok]
    found += wrong
    found += [f"invariant {f.invariant}, {f.subject}: {f.message}" for f in findings]
    for complaint in found:
        console.print(f"[bold red]wrong:[/] {complaint}", highlight=False)
    if found:
        console.print(f"Follow an order by its id in {system.aws_log}.", highlight=False)
    return not found


@contextmanager
def _step(console: Console, title: str) -> Iterator[Callable[[str], None]]:
    """Show a step, the last line of its output, and how long it took."""
    began = time.monotonic()
    with console.status(title) as status:

        def progress(line: str) -> None:
            status.update(f"{title} [dim]{line[-100:]}[/]")

        yield progress
    console.print(
        f"[green]✓[/] {title} [dim]({time.monotonic() - began:.0f} s)[/]", highlight=False
    )


def _curl_commands(url: str, credentials: Credentials) -> str:
    key = "Idempotency-Key: $(python3 -c 'import uuid; print(uuid.uuid4())')"
    field = """python3 -c 'import json, sys; print(json.load(sys.stdin)["{}"])'"""
    log_in = f'{{"api_key": "{credentials.api_key}", "api_secret": "{credentials.api_secret}"}}'
    order = (
        f'{{"client_id": "{credentials.client_id}", "stock_symbol": "KO", "quantity": 10, '
        '"order_type": "market", "side": "buy", "time_in_force": "DAY"}'
    )
    token_of, id_of = field.format("jwt_token"), field.format("order_id")
    json_body = '-H "Content-Type: application/json"'
    bearer = '-H "Authorization: Bearer $TOKEN"'
    return f"""API={url}
# client id: {credentials.client_id}   API key: {credentials.api_key}
# API secret: {credentials.api_secret}

TOKEN=$(curl -sS "$API/api/v1/auth/token" {json_body} -H "{key}" -d '{log_in}' | {token_of})

ORDER=$(curl -sS "$API/api/v1/orders" {bearer} {json_body} -H "{key}" -d '{order}' | {id_of})

curl -sS "$API/api/v1/orders/$ORDER" {bearer} | python3 -m json.tool
"""
