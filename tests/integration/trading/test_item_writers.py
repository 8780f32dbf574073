"""No write of a single item undoes what another writer wrote.

WRITERS has every function that writes to a table, with the tests that run it against another
writer. The last test finds the writers in the source and fails if one is not in the table.
"""

import ast
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState, CircuitTransition

from tests.fakes.clock import Clock
from tests.fakes.events import make_event
from tests.integration.backing import PREFIX
from tests.integration.trading import entities
from tests.integration.trading import test_connections as connections
from tests.integration.trading import test_identity_writers as identity
from tests.integration.trading import test_write_conditions as transactions
from tests.integration.trading.books import NAMES, items
from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.adapters.dynamodb.compared_dates import TableComparedDates
from trading.adapters.dynamodb.event_log import KEPT_FOR, WritableEventLog
from trading.adapters.dynamodb.event_text import unpacked
from trading.adapters.dynamodb.prices import TableLastPrices
from trading.adapters.dynamodb.reconciliation_reports import TableReports, latest
from trading.adapters.dynamodb.registry import TableRegistry
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.venues import circuit
from trading.adapters.venues.health import TableVenueHealth
from trading.domain.reference.instruments import Exchange
from trading.domain.values import iso
from trading.usecases.posttrade.reconcile_books import Report
from trading.usecases.posttrade.reconcile_settlement import Compared

ROOT = Path(__file__).resolve().parents[3]
CONTROL = f"{PREFIX}control"


@pytest.fixture
def registry(dynamodb: Any, books: TableBooks) -> TableRegistry:
    return TableRegistry(dynamodb, NAMES, f"{PREFIX}credentials", books)


def test_postponing_an_order_leaves_an_order_that_has_moved_on(
    books: TableBooks, dynamodb: Any
) -> None:
    books.commit(entities.order())
    read = entities.order().saved()
    books.commit(read.flagged_for_review("OVERFILL"))
    theirs = list(items(dynamodb, NAMES.orders))
    books.postpone(read, entities.NOW + timedelta(hours=1))
    books.postpone(entities.order("ord_none", version=1), entities.NOW)
    assert list(items(dynamodb, NAMES.orders)) == theirs


def test_two_audit_entries_of_one_moment_are_both_kept(dynamodb: Any, clock: Clock) -> None:
    trail = TableAuditTrail(dynamodb, f"{PREFIX}audit", clock)
    for who in ("anna", "bert"):
        trail.write("client/alice", "suspend", who, "ticket", {})
    assert [entry.who for entry in trail.of("client/alice")] == ["anna", "bert"]


def test_a_late_worker_does_not_replace_a_younger_price(dynamodb: Any, clock: Clock) -> None:
    young, old = clock(), clock() - timedelta(seconds=1)
    TableLastPrices(dynamodb, CONTROL, clock).observe("AAPL", Decimal(2), young, "trd_1")
    TableLastPrices(dynamodb, CONTROL, clock).observe("AAPL", Decimal(1), old, "trd_1")
    (item,) = items(dynamodb, CONTROL)
    assert (item["price"], item["time"]) == (2, iso(young))


def test_a_bust_does_not_take_back_the_price_of_another_trade(dynamodb: Any, clock: Clock) -> None:
    TableLastPrices(dynamodb, CONTROL, clock).observe("AAPL", Decimal(2), clock(), "trd_2")
    TableLastPrices(dynamodb, CONTROL, clock).correct("AAPL", "trd_1", clock(), None)
    (item,) = items(dynamodb, CONTROL)
    assert (item["price"], item["trade_id"]) == (2, "trd_2")


def report(clock: Clock) -> Report:
    return Report(
        started_at=clock(),
        finished_at=clock(),
        complete=True,
        items={},
        read_units=Decimal(0),
        in_motion=0,
        broken={},
        unconfirmed=0,
        breaks=0,
    )


def test_a_run_that_began_earlier_does_not_replace_the_latest_report(
    dynamodb: Any, clock: Clock
) -> None:
    reports, early = TableReports(dynamodb, CONTROL), report(clock)
    clock.forward(minutes=1)
    late = report(clock)
    reports.save(late)
    reports.save(early)
    assert latest(dynamodb, CONTROL) == late
    assert len(list(items(dynamodb, CONTROL))) == 3


@pytest.mark.parametrize("version", [0, 2])
def test_the_quality_that_another_worker_wrote_stands(
    dynamodb: Any, clock: Clock, version: int
) -> None:
    listed = [Exchange(exchange_id="XNYS", name="NYSE", fee_per_share=Decimal("0.0030"))]

    def worker() -> TableVenueHealth:
        return TableVenueHealth(dynamodb, CONTROL, lambda: listed, clock)

    first, second = worker(), worker()
    for _ in range(version):
        clock.forward(seconds=6)
        first.observe("XNYS", Decimal(1))
    clock.forward(seconds=6)
    read = second._read

    def read_before_the_other_writes(ids: Any) -> Any:
        known = read(ids)
        first.observe("XNYS", Decimal(1))
        return known

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(second, "_read", read_before_the_other_writes)
        second.observe("XNYS", Decimal(0))
    (item,) = items(dynamodb, CONTROL)
    assert (item["score"], item["version"]) == (1, version + 1)


# Writers without a condition: each test shows why the last one may win.


def test_concurrent_failed_probes_all_count(dynamodb: Any, clock: Clock) -> None:
    opened = CircuitTransition("circuit", CircuitState.CLOSED, CircuitState.OPEN, 0)
    probed = CircuitTransition("circuit", CircuitState.HALF_OPEN, CircuitState.OPEN, 0)
    for transition in (opened, probed, probed):
        circuit.record(dynamodb, CONTROL, "XNYS", transition, "timed out", 5, clock())
    outage = circuit.outage_of(
        circuit.control_items(dynamodb, CONTROL, ["OUTAGE#XNYS"])["OUTAGE#XNYS"]
    )
    assert outage
    assert outage.failures == 7


def test_what_the_last_of_two_comparisons_recorded_is_remembered(dynamodb: Any) -> None:
    dates = TableComparedDates(dynamodb, CONTROL)
    assert dates.last() is None
    for compared in (
        Compared(open_since=entities.SETTLEMENT_DATE, ends={entities.TRADE_DATE: "12"}),
        Compared(open_since=entities.TRADE_DATE),
    ):
        dates.record(compared)
        assert TableComparedDates(dynamodb, CONTROL).last() == compared


def test_the_record_of_an_earlier_release_is_read(dynamodb: Any) -> None:
    day = entities.SETTLEMENT_DATE
    item = {"name": {"S": "SETTLEMENT#OPEN"}, "open_since": {"S": day.isoformat()}}
    dynamodb.put_item(TableName=CONTROL, Item=item)
    assert TableComparedDates(dynamodb, CONTROL).last() == Compared(open_since=day)


def test_an_event_that_two_workers_write_is_there_once_and_whole(
    dynamodb: Any, clock: Clock
) -> None:
    """The item follows from the event. So the last writer writes what the first one wrote."""
    event = make_event(1, time=clock())
    for _ in range(2):
        assert (
            WritableEventLog(dynamodb, f"{PREFIX}events", f"{PREFIX}connections", clock).write(
                [event]
            )
            == set()
        )
        clock.forward(hours=1)
    (item,) = items(dynamodb, f"{PREFIX}events")
    assert unpacked(item["event"]) == event
    assert item["expires_at"] == int((event.time + KEPT_FOR).timestamp())


WRITERS: dict[str, tuple[Callable[..., None], ...]] = {
    "dynamodb.entity_writes.write_of": (
        transactions.test_an_item_that_another_writer_deleted_is_not_deleted_again,
    ),
    "dynamodb.entity_writes.put_of": (
        transactions.test_an_entity_that_another_writer_saved_is_not_overwritten,
        transactions.test_an_entity_that_is_created_once_is_not_overwritten,
    ),
    "dynamodb.registry.TableRegistry._write": (
        transactions.test_a_seeded_item_without_a_version_is_changed_by_one_writer,
        transactions.test_an_entity_that_another_writer_deleted_is_not_brought_back,
    ),
    "dynamodb.transactions.commit": (
        transactions.test_an_entity_that_another_writer_saved_stops_the_whole_transaction,
    ),
    "dynamodb.attention.TableAttentionIndex.postpone": (
        test_postponing_an_order_leaves_an_order_that_has_moved_on,
    ),
    "dynamodb.audit.TableAuditTrail._put": (test_two_audit_entries_of_one_moment_are_both_kept,),
    "dynamodb.connections.TableConnections.commit": (
        connections.test_of_two_who_read_the_same_connections_one_writes,
        connections.test_an_emptied_item_stays_and_stops_who_read_it_before,
    ),
    "dynamodb.event_log.WritableEventLog.write": (
        test_an_event_that_two_workers_write_is_there_once_and_whole,
    ),
    "dynamodb.prices.TableLastPrices.observe": (
        test_a_late_worker_does_not_replace_a_younger_price,
    ),
    "dynamodb.prices.TableLastPrices.correct": (
        test_a_bust_does_not_take_back_the_price_of_another_trade,
    ),
    "dynamodb.reconciliation_reports.TableReports.save": (
        test_a_run_that_began_earlier_does_not_replace_the_latest_report,
    ),
    "http.ended_tokens.TableEndedTokens._write": (
        identity.test_tokens_that_ended_stay_ended_whatever_a_late_worker_writes,
    ),
    "http.nonces.TableNonces.use": (identity.test_a_nonce_is_used_by_one_of_two_workers,),
    "http.throttle.Throttle.take": (
        identity.test_a_full_window_grants_nothing_to_a_concurrent_request,
    ),
    "venues.health.TableVenueHealth._flush": (test_the_quality_that_another_worker_wrote_stands,),
    "dynamodb.compared_dates.TableComparedDates.record": (
        test_what_the_last_of_two_comparisons_recorded_is_remembered,
    ),
    "dynamodb.second_factors.TableSecondFactors.commit": (
        identity.test_of_two_codes_at_the_same_time_one_is_written,
    ),
    "dynamodb.second_factors.ProfilePolicies.set": (
        identity.test_a_policy_and_other_changes_of_a_profile_do_not_undo_each_other,
        identity.test_a_policy_counts_a_profile_without_a_version_like_everybody,
    ),
    "identity.login.TableLoginFailures._add": (identity.test_concurrent_wrong_logins_all_count,),
    "identity.login.TableLoginFailures.forget": (identity.test_forgetting_twice_changes_nothing,),
    "venues.circuit.record": (test_concurrent_failed_probes_all_count,),
}
"""Every function of the adapters that writes to a table, and its tests against another writer."""

EXEMPT = {
    "ops.account_versions.advance_versions.advance": "A restore has the table to itself.",
    "workstation.reference_data.ReferenceTables._add": "Settings of the simulated exchanges.",
}

WRITES = {
    "put_item",
    "update_item",
    "delete_item",
    "transact_write_items",
    "batch_write_item",
    "execute_statement",
    "execute_transaction",
    "batch_execute_statement",
    "Write",
    "put_of",
}
SOURCES = [
    ROOT / "layers/trading/python/trading",
    *(ROOT / each for each in ("functions", "ops", "workstation")),
]
ADAPTERS = SOURCES[0] / "adapters"


def writers(tree: ast.AST, within: tuple[str, ...]) -> Iterator[str]:
    """The functions under a node that write to a table."""
    for node in ast.iter_child_nodes(tree):
        inside = within
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = (*within, node.name)
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in WRITES:
                yield ".".join(within)
        yield from writers(node, inside)


def test_every_writer_is_in_the_table() -> None:
    found = set()
    for source in SOURCES:
        for path in sorted(source.rglob("*.py")):
            base = ADAPTERS if path.is_relative_to(ADAPTERS) else ROOT
            module = path.relative_to(base).with_suffix("").parts
            found |= set(writers(ast.parse(path.read_text()), module))
    assert found == {*WRITERS, *EXEMPT}
