"""docs/reference/timeouts.md states the time-outs, tries and pauses of the code."""

import ast
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.catalog.functions import FUNCTIONS, SERVICES
from infra.catalog.names import MAILBOXES
from simulators.adapters import tables as simulated
from simulators.adapters.callbacks import TIMEOUT as CALLBACK
from trading.adapters.dynamodb import reconciliation_reader
from trading.adapters.messaging.mailbox_worker import ENOUGH_TIME_MS
from trading.adapters.runtime import aws
from trading.adapters.venues import http
from trading.bootstrap import venues
from trading.usecases.posttrade import reconcile_settlement

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = [
    p
    for folder in ("functions", "layers/trading", "layers/simulators")
    for p in (ROOT / folder).rglob("*.py")
]
API_GATEWAY_SECONDS = 29
LONGEST_BOTOCORE_PAUSE = 20


def table(document: str, first_column: str) -> list[list[str]]:
    """The rows of the document's table whose first column has that title."""
    lines = (ROOT / "docs" / document).read_text().splitlines()
    start = (
        next(number for number, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
        + 2
    )
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def constant(path: str, name: str) -> float:
    """A number that a module assigns. Importing the module would start the function."""
    for node in ast.parse((ROOT / path).read_text()).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == name
        ):
            return float(ast.literal_eval(node.value))
    raise KeyError(name)


def duration(path: str, name: str) -> float:
    """The seconds of a `timedelta` that a module assigns."""
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            assert isinstance(node.value, ast.Call)
            parts = {part.arg or "": ast.literal_eval(part.value) for part in node.value.keywords}
            return timedelta(**parts).total_seconds()
    raise KeyError(name)


def pauses(tries: int) -> float:
    """The longest total wait of botocore between that many tries. In standard mode, waits double
    from one second.
    """
    return sum(min(2**number, LONGEST_BOTOCORE_PAUSE) for number in range(tries - 1))


class Call:
    """The numbers of a call as the table writes them."""

    def __init__(self, connect: float, read: float, tries: int, pause: float) -> None:
        self.shown = [f"{connect:g} + {read:g} s", str(tries), f"{pause:g} s" if pause else "–"]
        self.worst = tries * (connect + read) + pause

    @classmethod
    def aws(cls, config: Config) -> "Call":
        """The numbers of a botocore configuration. `max_attempts` does not count the first try."""
        retries = config.retries
        tries = retries.get("total_max_attempts") or retries["max_attempts"] + 1
        return cls(config.connect_timeout, config.read_timeout, tries, pauses(tries))

    @classmethod
    def venue(cls, read: float, tries: int) -> "Call":
        """The numbers of VenueHttp."""
        return cls(
            http.CONNECT_TIMEOUT_SECONDS,
            read,
            tries,
            (tries - 1) * http.LONGEST_PAUSE_SECONDS,
        )


EXCHANGE, DEPOSITORY = (
    venues.EXCHANGE_READ_TIMEOUT_SECONDS,
    venues.DEPOSITORY_READ_TIMEOUT_SECONDS,
)
SHORTEST = min(spec.timeout for spec in FUNCTIONS.values())
BEGIN_MESSAGE = ENOUGH_TIME_MS / 1000
BEGIN_OBLIGATION = constant("functions/settlement/handler.py", "TIME_FOR_ONE_OBLIGATION_MS") / 1000
BEGIN_MATCHING = constant("functions/exchange_matching/handler.py", "NO_NEW_WORK_MS") / 1000
ONE_ORDER = 2 * Call.venue(EXCHANGE, 1).worst + Call.venue(EXCHANGE, 2).worst
CALLS: list[tuple[Call | float, float]] = [
    (Call.aws(aws.CLIENT_CONFIG), min(SHORTEST, BEGIN_MESSAGE)),
    (Call.aws(aws.DISPENSABLE_CONFIG), min(FUNCTIONS["orders"].timeout, BEGIN_MESSAGE)),
    (
        Call.aws(reconciliation_reader.CLIENT_CONFIG),
        constant("functions/reconciliation/handler.py", "LEFT_FOR_THE_REPORT_SECONDS"),
    ),
    (Call.venue(EXCHANGE, 1), BEGIN_MESSAGE),
    (Call.venue(EXCHANGE, 2), BEGIN_MESSAGE),
    (ONE_ORDER, BEGIN_MESSAGE),
    (Call.venue(DEPOSITORY, 2), min(BEGIN_OBLIGATION, FUNCTIONS["internal"].timeout)),
    (
        Call.aws(simulated.CLIENT_CONFIG),
        min(FUNCTIONS[n].timeout for n in ("exchange_api", "depository_api")),
    ),
    (Call.aws(simulated.ASK_ONCE), FUNCTIONS["exchange_api"].timeout),
    (Call(CALLBACK.connect_timeout, CALLBACK.read_timeout, 1, 0), BEGIN_MATCHING),
    (
        Call.aws(aws.DISPENSABLE_CONFIG),
        duration("functions/push/handler.py", "LEFT_FOR_THE_END"),
    ),
    (
        max(SERVICES[n].timeout for n in ("orders", "auth", "callbacks", "internal", "stream")),
        API_GATEWAY_SECONDS,
    ),
    (SERVICES["event_feed"].timeout, API_GATEWAY_SECONDS),
    (max(SERVICES[n].timeout for n in MAILBOXES), 6 * min(SERVICES[n].timeout for n in MAILBOXES)),
]


@pytest.mark.parametrize(("row", "call"), [(n, call) for n, call in enumerate(CALLS)])
def test_every_call_ends_before_its_caller_does_as_the_table_says(
    row: int, call: tuple[Call | float, float]
) -> None:
    made, limit = call
    documented = table("reference/timeouts.md", "call")
    assert len(documented) == len(CALLS)
    shown = documented[row][2:5]
    worst, allowed = (float(re.match(r"[\d.]+", cell)[0]) for cell in documented[row][5:7])  # type: ignore[index]
    if isinstance(made, Call):
        assert shown == made.shown
        made = made.worst
    assert (worst, allowed) == (pytest.approx(made), limit)
    assert worst < allowed


def test_a_comparison_has_time_for_a_slow_answer_about_each_of_its_days() -> None:
    slow = reconcile_settlement.RECONCILED_DAYS * Call.venue(DEPOSITORY, 2).worst
    assert slow < FUNCTIONS["settlement_reconcile"].timeout


def keywords(tree: ast.AST, *calls: str) -> Iterator[dict[str, ast.expr]]:
    """The keyword arguments of each call of these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in calls:
            yield {keyword.arg or "": keyword.value for keyword in node.keywords}


def test_every_client_has_time_outs() -> None:
    clients, pools = 0, 0
    for path in PRODUCT:
        tree = ast.parse(path.read_text())
        for given in keywords(tree, "boto3.client", "boto3.resource"):
            clients += 1
            assert ast.unparse(given["config"]) in {
                "CLIENT_CONFIG",
                "DISPENSABLE_CONFIG",
                "ASK_ONCE",
            }, path
        for given in keywords(tree, "urllib3.PoolManager"):
            pools += 1
            assert ast.unparse(given["retries"]) == "False", path
            assert "timeout" in given, path
    assert clients >= 5
    assert pools == 2


def test_botocore_stops_retrying_when_its_quota_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    client = boto3.client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=aws.CLIENT_CONFIG,
    )
    sent: list[object] = []

    def fail(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(
            request.url, 500, {}, urllib3.HTTPResponse(BytesIO(b"{}"), preload_content=False)
        )

    client.meta.events.register("before-send.dynamodb", fail)
    calls, quota, retry_cost = 150, 500, 5
    for _ in range(calls):
        with pytest.raises(ClientError):
            client.list_tables()
    assert len(sent) == calls + quota // retry_cost
