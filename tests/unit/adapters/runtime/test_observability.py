"""A log line carries metrics in the embedded metric format, each in its unit."""

import json
from typing import Any

import pytest

from trading.adapters.runtime.observability import Counters, count, step
from trading.metrics import Metric


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metrics(line: dict[str, Any]) -> dict[str, tuple[int, str]]:
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Trading", [["stage"]])
    assert line["stage"]
    assert line["service"], "it says which function counts"
    return {each["Name"]: (line[each["Name"]], each["Unit"]) for each in directive["Metrics"]}


@pytest.mark.parametrize(
    ("metric", "unit"),
    [(Metric.RECONCILIATION_SECONDS, "Seconds"), (Metric.RECONCILIATION_RUNS, "Count")],
)
def test_a_value_has_the_unit_of_its_metric(
    capsys: pytest.CaptureFixture[str], metric: Metric, unit: str
) -> None:
    count(metric, value=7)
    (line,) = lines(capsys)
    assert metrics(line) == {metric: (7, unit)}


def test_a_count_is_in_the_line_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    Counters().count(Metric.BREAKS, code="OVERFILL")
    (line,) = lines(capsys)
    assert (line["message"], line["code"], line["Breaks"]) == ("Breaks", "OVERFILL", 1)


def test_a_step_has_one_line_with_all_its_outcomes(capsys: pytest.CaptureFixture[str]) -> None:
    with step("message") as line:
        count(Metric.TRADES_SETTLED)
        count(Metric.TRADES_SETTLED)
        count(Metric.ORDERS_CLEARED, order_id="ord_1")
        line.facts["more"] = True
    (printed,) = lines(capsys)
    assert metrics(printed) == {"TradesSettled": (2, "Count"), "OrdersCleared": (1, "Count")}
    assert (printed["message"], printed["order_id"], printed["more"]) == ("message", "ord_1", True)


def test_a_step_without_outcomes_has_a_line_without_metrics(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with step("message"):
        pass
    (line,) = lines(capsys)
    assert "_aws" not in line


def test_outcomes_of_a_step_that_fails_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with step("message"):
            count(Metric.FILLS_BOOKED)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    (line,) = lines(capsys)
    assert metrics(line) == {"FillsBooked": (1, "Count")}


def test_what_an_alarm_watches_does_not_wait_for_the_end_of_a_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with step("message"):
        count(Metric.BREAKS)
        (line,) = lines(capsys)
    assert metrics(line) == {"Breaks": (1, "Count")}
