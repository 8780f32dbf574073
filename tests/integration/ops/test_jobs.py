"""Jobs of the schedules, started by hand, and the report of the reconciliation."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.backing import PREFIX
from tests.integration.ops.calls import Calls
from tests.integration.ops.conftest import Operator
from tests.integration.trading.books import put
from trading.domain.reconciliation.findings import INVARIANTS

CONTROL = f"{PREFIX}control"
REPORT: dict[str, Any] = {
    "started_at": "2026-01-05T15:00:00.000000Z",
    "finished_at": "2026-01-05T15:00:02.000000Z",
    "complete": True,
    "items": {"accounts": 8, "orders": 3, "ledger": 12},
    "read_units": Decimal("7.5"),
    "in_motion": 1,
    "broken": {str(number): 0 for number in INVARIANTS},
    "unconfirmed": 0,
    "breaks": 0,
}
FINDING = {"invariant": 3, "subject": "alice", "message": "held is -1", "confirmed": True}
BREAK = {
    "trade_id": "trd_1",
    "client_id": "alice",
    "order_id": "ord_1",
    "code": "OVERFILL",
    "reason": "10 where 0 was left",
    "booked_at": "2026-01-05T15:00:00.000000Z",
}


def keep(operator: Operator, **changes: Any) -> None:
    put(
        operator.system.dynamodb,
        CONTROL,
        {"name": "RECONCILIATION#LATEST", "expires_at": 1, **REPORT, **changes},
    )


@pytest.fixture
def calls(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


def function_answers(calls: Calls, answer: Any, **more: str) -> None:
    calls.answers["Invoke"] = {"Payload": io.BytesIO(json.dumps(answer).encode()), **more}


def requests(calls: Calls, operation: str) -> list[dict[str, Any]]:
    return [request for name, request in calls.made if name == operation]


@pytest.mark.parametrize(
    ("command", "function", "event"),
    [
        (("sweep",), "sweeper", {}),
        (("close-day",), "day-close", {}),
        (("close-day", "--date", "2026-01-05"), "day-close", {"business_date": "2026-01-05"}),
    ],
)
def test_a_function_runs_after_it_is_in_the_audit_log(
    operator: Operator, calls: Calls, command: tuple[str, ...], function: str, event: dict[str, str]
) -> None:
    function_answers(calls, {"pushed": 3})
    assert operator.ask(*command, "--reason", "they hang") == {"pushed": 3}
    assert calls.names.index("PutItem") < calls.names.index("Invoke")
    (request,) = requests(calls, "Invoke")
    assert request["FunctionName"] == PREFIX + function
    assert json.loads(request["Payload"]) == event
    (entry,) = operator.ask("audit")
    assert (entry["subject"], entry["reason"]) == (f"run/{function}", "they hang")
    assert json.loads(entry["details"]["input"]) == event


def test_a_failed_function_ends_with_status_1(operator: Operator, calls: Calls) -> None:
    function_answers(calls, {"errorMessage": "no"}, FunctionError="Unhandled")
    assert operator.run("sweep", "--reason", "they hang")[0] == 1


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ((), {}),
        (("--date", "2026-01-05"), {"settlement_date": "2026-01-05"}),
        (("--date", "2025-12-30"), {"settlement_date": "2025-12-30"}),
    ],
)
def test_a_settlement_cycle_is_started(
    operator: Operator, calls: Calls, option: tuple[str, ...], given: dict[str, str]
) -> None:
    calls.answers["StartExecution"] = {"executionArn": "arn:x"}
    assert operator.ask("settle", *option, "--reason", "the depository was down") == {
        "execution_arn": "arn:x"
    }
    (request,) = requests(calls, "StartExecution")
    assert request["stateMachineArn"].endswith(":stateMachine:trading-test-settlement-cycle")
    assert json.loads(request["input"]) == given
    assert operator.ask("audit", "--last", "1")[0]["subject"] == "run/settlement-cycle"


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("2026-01-06", "NOT_DUE"),
        ("2026-01-10", "NOT_DUE"),
        ("2026-01-04", "NOT_A_SETTLEMENT_DAY"),
        ("2026-01-01", "NOT_A_SETTLEMENT_DAY"),
        ("1999-01-04", "NOT_A_SETTLEMENT_DAY"),
    ],
)
def test_the_cycle_of_a_day_to_come_or_without_settlement_is_not_started(
    operator: Operator, calls: Calls, day: str, code: str
) -> None:
    status, out, err = operator.run("settle", "--date", day, "--reason", "drill")
    assert (status, out) == (1, "")
    assert code in err
    assert requests(calls, "StartExecution") == []
    assert operator.ask("audit") == []


@pytest.mark.parametrize("command", ["sweep", "settle", "close-day"])
@pytest.mark.parametrize("option", [(), ("--reason", ""), ("--reason", " "), ("--reason", "\x07")])
def test_no_job_runs_without_a_reason(
    operator: Operator, calls: Calls, command: str, option: tuple[str, ...]
) -> None:
    assert operator.run(command, *option)[0] == 2
    assert calls.made == []


def test_a_missing_report_is_reported(operator: Operator) -> None:
    status, out, err = operator.run("reconciliation", "show")
    assert (status, out) == (1, "")
    assert "no report" in err


def test_a_report_without_findings_ends_with_status_0(operator: Operator) -> None:
    keep(operator)
    answer = operator.ask("reconciliation", "show")
    assert answer["items"]["ledger"] == 12
    assert {"name", "expires_at"} & answer.keys() == set()
    status, out, _ = operator.run("reconciliation", "show")
    assert status == 0
    assert all(text[:40] in out for text in INVARIANTS.values())


@pytest.mark.parametrize(
    "changes",
    [{"broken": {**REPORT["broken"], "3": 1}, "findings": [FINDING]}, {"complete": False}],
)
def test_findings_or_an_incomplete_report_end_with_status_1(
    operator: Operator, changes: dict[str, Any]
) -> None:
    keep(operator, **changes)
    status, out, _ = operator.run("reconciliation", "show")
    assert status == 1
    assert ("held is -1" in out) == ("findings" in changes)


def test_breaks_are_shown_and_do_not_change_the_status(operator: Operator) -> None:
    keep(operator, breaks=1, recent_breaks=[BREAK])
    status, out, _ = operator.run("reconciliation", "show")
    assert status == 0
    assert "OVERFILL" in out


def test_a_run_of_the_reconciliation_shows_its_report(operator: Operator, calls: Calls) -> None:
    keep(operator)
    function_answers(calls, {})
    assert (
        operator.ask("reconciliation", "run", "--reason", "after the restore")["complete"] is True
    )
    assert requests(calls, "Invoke")[0]["FunctionName"] == f"{PREFIX}reconciliation"
    function_answers(calls, {"errorMessage": "no"}, FunctionError="Unhandled")
    assert operator.run("reconciliation", "run", "--reason", "again")[0] == 1
