"""The reconciliation over tables: pages, unreadable items, books that change meanwhile, stored
reports, and the function.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading import entities
from tests.integration.trading.books import NAMES, books_reader, items, put
from tests.integration.trading.orders import cleared_order
from trading.adapters.dynamodb.reconciliation_reader import TableReader
from trading.adapters.dynamodb.reconciliation_reports import TableReports, latest
from trading.adapters.dynamodb.tables import TableBooks
from trading.domain.reconciliation.findings import Finding
from trading.usecases.posttrade.reconcile_books import Page, Report

CONTROL = f"{PREFIX}control"
KEPT = (
    entities.account(),
    entities.position(),
    entities.obligation(),
    entities.order(),
    *(
        entities.fill(),
        entities.novation(),
        entities.settlement(),
        entities.deposit(),
        entities.trade_break(),
    ),
)


@pytest.fixture
def reader(dynamodb: Any) -> TableReader:
    return books_reader(dynamodb)


def one_item_a_page(dynamodb: Any) -> None:
    """DynamoDB ends a page after a megabyte. Here it ends a page after every item."""
    dynamodb.meta.events.register(
        "provide-client-params.dynamodb.Scan", lambda params, **_: params | {"Limit": 1}
    )


def saved(entity: Any) -> Any:
    return entity.saved() if hasattr(entity, "saved") else entity


def everything(pages: Iterator[Page]) -> list[Any]:
    return [entity for page in pages for entity in page.entities]


def test_all_tables_are_read_page_by_page_and_the_ledger_last(
    reader: TableReader, books: TableBooks, dynamodb: Any
) -> None:
    for change in KEPT:
        books.commit(change)
    token = {"order_id": {"S": "ord_1"}, "item": {"S": "TOKEN#EXECUTE"}}
    dynamodb.put_item(TableName=NAMES.orders, Item=token)
    one_item_a_page(dynamodb)
    pages = list(reader.pages(consistent=False))
    found = everything(iter(pages))
    assert len(found) == len(KEPT)
    assert all(saved(entity) in found for entity in KEPT)
    with_items = [page for page in pages if page.items]
    assert [page.table for page in with_items] == ["accounts"] * 3 + ["orders"] * 2 + ["ledger"] * 5
    assert {page.items for page in with_items} == {1}
    assert all(page.read_units > 0 for page in with_items)


@pytest.mark.parametrize("consistent", [True, False])
def test_reads_have_the_requested_consistency(
    reader: TableReader, dynamodb: Any, consistent: bool
) -> None:
    asked: list[bool] = []
    dynamodb.meta.events.register(
        "provide-client-params.dynamodb.Scan",
        lambda params, **_: asked.append(params["ConsistentRead"]),
    )
    assert everything(reader.pages(consistent=consistent)) == []
    assert asked == [consistent] * 3


UNREADABLE: list[tuple[str, dict[str, Any], int, str, str]] = [
    (NAMES.accounts, {"client_id": "alice", "item": "CASH"}, 1, "alice/CASH", "unreadable: "),
    (
        NAMES.accounts,
        {"client_id": "alice", "item": "POSITION#KO"},
        2,
        "alice/POSITION#KO",
        "unreadable: ",
    ),
    (
        NAMES.accounts,
        {"client_id": "alice", "item": "OBLIGATION#x"},
        9,
        "alice/OBLIGATION#x",
        "unreadable: ",
    ),
    (
        NAMES.accounts,
        {"client_id": "alice", "item": "BONUS"},
        1,
        "alice/BONUS",
        "no kind of item that is known",
    ),
    (NAMES.orders, {"order_id": "ord_1", "item": "ORDER"}, 10, "ord_1/ORDER", "unreadable: "),
    (NAMES.ledger, {"trade_id": "trd_1", "kind": "FILL"}, 1, "trd_1/FILL", "unreadable: "),
]


@pytest.mark.parametrize(("table", "item", "invariant", "subject", "problem"), UNREADABLE)
def test_an_unreadable_item_is_a_finding(
    reader: TableReader,
    dynamodb: Any,
    table: str,
    item: dict[str, Any],
    invariant: int,
    subject: str,
    problem: str,
) -> None:
    put(dynamodb, table, {**item, "available": "a lot"})
    (finding,) = everything(reader.pages(consistent=True))
    assert isinstance(finding, Finding)
    assert (finding.invariant, finding.subject) == (invariant, subject)
    assert finding.message.startswith(problem)


def test_an_entry_that_does_not_balance_is_a_finding(reader: TableReader, dynamodb: Any) -> None:
    entry = entities.deposit()
    one_sided = entry.model_copy(update={"postings": entry.postings[:1]})
    put(dynamodb, NAMES.ledger, one_sided.model_dump())
    (finding,) = everything(reader.pages(consistent=True))
    assert (finding.invariant, finding.subject) == (1, "dep_1/DEPOSIT")
    assert "does not balance" in finding.message


def report(**changes: Any) -> Report:
    fields: dict[str, Any] = {
        "started_at": entities.NOW,
        "finished_at": entities.NOW + timedelta(seconds=5),
        "complete": True,
        "items": {"accounts": 3, "orders": 2, "ledger": 5},
        "read_units": Decimal("12.5"),
        "in_motion": 1,
        "broken": {"1": 1},
        "unconfirmed": 0,
        "findings": ({"invariant": 1, "subject": "alice", "message": "off", "confirmed": True},),
        "breaks": 1,
        "recent_breaks": (
            {
                "trade_id": "trd_1",
                "client_id": "unknown",
                "code": "OVERFILL",
                "reason": "5",
                "booked_at": entities.NOW,
            },
        ),
    }
    return Report.model_validate(fields | changes)


def test_a_report_is_stored_under_its_time_and_as_the_latest(dynamodb: Any) -> None:
    assert latest(dynamodb, CONTROL) is None
    TableReports(dynamodb, CONTROL).save(report())
    assert latest(dynamodb, CONTROL) == report()
    kept = {item.pop("name"): item for item in items(dynamodb, CONTROL)}
    assert kept["RECONCILIATION#LATEST"] == kept["RECONCILIATION#2026-01-05T15:00:00.123456Z"]
    assert kept["RECONCILIATION#LATEST"]["expires_at"] == int(
        (entities.NOW + timedelta(days=90)).timestamp()
    )


def test_a_run_that_began_earlier_and_ends_later_is_not_the_latest(dynamodb: Any) -> None:
    reports = TableReports(dynamodb, CONTROL)
    early, late = report(), report(started_at=entities.NOW + timedelta(seconds=1))
    for each in (late, early, late):
        reports.save(each)
    assert latest(dynamodb, CONTROL) == late
    assert len(list(items(dynamodb, CONTROL))) == 3


def reconciled(system: System, remaining_ms: int = 900_000) -> dict[str, Any]:
    answer: dict[str, Any] = system.invoke("reconciliation", {}, remaining_ms)
    return answer


def damage(system: System, client_id: str, amount: str = "0.01") -> None:
    """Add money from nowhere."""
    system.dynamodb.update_item(
        TableName=NAMES.accounts,
        Key={"client_id": {"S": client_id}, "item": {"S": "CASH"}},
        UpdateExpression="SET available = available + :amount",
        ExpressionAttributeValues={":amount": {"N": amount}},
    )


def before_scan_of(system: System, table: str, act: Callable[[], Any]) -> None:
    """Do something once, just before the function reads a table."""
    acts = [act]

    def on_scan(params: dict[str, Any], **_: Any) -> None:
        if params["TableName"] == table and acts:
            acts.pop()()

    reader = system.function("reconciliation").reconcile.reader
    reader._client.meta.events.register("provide-client-params.dynamodb.Scan", on_scan)


def metrics(printed: str) -> dict[str, float]:
    """The metrics of the last run in the embedded metric format, by name."""
    lines = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
    return {
        metric["Name"]: line[metric["Name"]]
        for line in lines
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


def test_an_error_in_the_books_is_found_confirmed_and_counted(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    system.venues.pass_time(600)
    damage(system, "bob")
    capsys.readouterr()
    answer = reconciled(system)
    assert [(f["invariant"], f["subject"], f["confirmed"]) for f in answer["findings"]] == [
        (1, "bob", True)
    ]
    counted = metrics(capsys.readouterr().out)
    assert counted["ReconciliationFindings"] == counted["ReconciliationRuns"] == 1
    assert (counted["ReconciliationInMotion"], "ReconciliationsIncomplete" in counted) == (0, False)


def test_a_run_without_findings_is_counted_too(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    system.venues.pass_time(600)
    assert reconciled(system)["complete"]
    counted = metrics(capsys.readouterr().out)
    assert (counted["ReconciliationFindings"], counted["ReconciliationRuns"]) == (0, 1)


def test_a_run_without_enough_time_says_so(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = reconciled(system, remaining_ms=90_000)
    assert (answer["complete"], answer["findings"]) == (False, [])
    counted = metrics(capsys.readouterr().out)
    assert (counted["ReconciliationsIncomplete"], "ReconciliationRuns" in counted) == (1, False)


@pytest.mark.parametrize("table", [NAMES.orders, NAMES.ledger])
def test_an_order_completed_between_two_tables_is_no_finding(system: System, table: str) -> None:
    system.venues.pass_time(600)
    before_scan_of(system, table, lambda: cleared_order(system))
    answer = reconciled(system)
    assert (answer["findings"], answer["in_motion"], answer["complete"]) == ([], 1, True)
    system.venues.pass_time(600)
    answer = reconciled(system)
    assert (answer["findings"], answer["in_motion"], answer["complete"]) == ([], 0, True)


def test_a_finding_that_the_second_look_does_not_show_is_neither_confirmed_nor_counted(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong write hits the accounts after their first look. It is undone before the
    second look.
    """
    system.venues.pass_time(600)
    damage(system, "bob", "0.01")
    before_scan_of(system, NAMES.ledger, lambda: damage(system, "bob", "-0.01"))
    capsys.readouterr()
    answer = reconciled(system)
    assert [(f["subject"], f["confirmed"]) for f in answer["findings"]] == [("bob", False)]
    assert metrics(capsys.readouterr().out)["ReconciliationFindings"] == 0
    assert (sum(answer["broken"].values()), answer["unconfirmed"], answer["complete"]) == (
        0,
        1,
        True,
    )
