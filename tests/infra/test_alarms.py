"""Every metric has an alarm or a reason, and every alarm tells an operator what to do."""

import re
from collections import Counter

import pytest

from infra.catalog.alarms import RUNBOOK, SILENCES, UNWATCHED, WATCHED, Severity
from infra.catalog.functions import SERVICES
from infra.catalog.routes import (
    CALLBACK_ROUTES,
    INTERNAL_ROUTES,
    PUBLIC_ROUTES,
    VENUE_ROUTES,
)
from infra.constructs.resource_alarms import NEAR_THE_LIMIT
from infra.stage import ROOT
from infra.synthesized import Resource, Synthesized
from trading.metrics import Metric


def anchor_of(title: str) -> str:
    """The anchor that mkdocs gives to a heading."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


LONGEST_WINDOW_SECONDS = 7 * 86400
"""CloudWatch evaluates at most a week, with periods of an hour or more (PutMetricAlarm)."""


def alarms(deployed: Synthesized) -> list[Resource]:
    return deployed.of_type("AWS::CloudWatch::Alarm")


def test_every_metric_has_an_alarm_or_a_reason_to_have_none() -> None:
    listed = Counter([*WATCHED, *SILENCES, *UNWATCHED])
    assert set(listed) == set(Metric)
    assert [metric for metric, times in listed.items() if times > 1] == []
    assert all(reason.endswith(".") for reason in UNWATCHED.values())


@pytest.mark.parametrize("metric", [*WATCHED, *SILENCES])
def test_a_watched_metric_has_one_alarm_for_all_functions_of_the_stage(
    synthesized: Synthesized, stage: str, metric: Metric
) -> None:
    [alarm] = [
        alarm.properties
        for alarm in alarms(synthesized)
        if (alarm.properties["Namespace"], alarm.properties["MetricName"]) == ("Trading", metric)
    ]
    assert alarm["Dimensions"] == [{"Name": "stage", "Value": stage}]


def test_every_alarm_notifies_the_topic_of_its_severity_and_says_when_it_is_over(
    synthesized: Synthesized,
) -> None:
    for alarm in alarms(synthesized):
        [severity] = re.findall(r"Severity: (\w+)\.", alarm.properties["AlarmDescription"])
        [action] = alarm.properties["AlarmActions"]
        topic = synthesized.target(alarm.stack, action)
        assert topic.properties["TopicName"].endswith(f"-alarms-{Severity(severity)}")
        assert alarm.properties["OKActions"] == [action]


def test_every_alarm_names_a_section_of_the_runbook(synthesized: Synthesized) -> None:
    page = (ROOT / RUNBOOK).read_text()
    sections = {anchor_of(title) for title in re.findall(r"^## (.+)$", page, re.MULTILINE)}
    named = set()
    for alarm in alarms(synthesized):
        [section] = re.findall(
            rf"Runbook: {RUNBOOK}#([a-z-]+)$", alarm.properties["AlarmDescription"]
        )
        named.add(section)
    assert named <= sections


def test_no_window_is_longer_than_cloudwatch_allows(synthesized: Synthesized) -> None:
    for alarm in alarms(synthesized):
        window = alarm.properties["Period"] * alarm.properties["EvaluationPeriods"]
        assert window <= (LONGEST_WINDOW_SECONDS if alarm.properties["Period"] >= 3600 else 86400)


def test_every_schedule_has_a_dead_mans_switch(dev: Synthesized) -> None:
    """Without data they ring. A missing settlement cycle also shows by what it leaves due."""
    silent = {
        alarm.logical_id[:-8]: alarm.properties["Period"] * alarm.properties["EvaluationPeriods"]
        for alarm in alarms(dev)
        if alarm.properties["TreatMissingData"] == "breaching"
    }
    assert silent == {
        "SweeperMissing": 600,
        "SettlementCycleMissing": 3 * 86400,
        "ReconciliationRunsMissing": 3 * 3600,
        "OrdersExpiringMissing": 4 * 86400,
    }
    targets = {
        dev.target(schedule.stack, schedule.properties["Target"]["Arn"]).properties.get(
            "FunctionName", "settlement-cycle"
        )
        for schedule in dev.of_type("AWS::Scheduler::Schedule")
    }
    assert {target.removeprefix("trading-dev-") for target in targets} == {
        "sweeper",
        "settlement-cycle",
        "reconciliation",
        "day-close",
        "exchange-matching",
    }


def test_production_watches_throttling_and_functions_near_their_timeout(
    prod: Synthesized,
) -> None:
    found = {alarm.logical_id[:-8]: alarm.properties for alarm in alarms(prod)}
    for name, spec in SERVICES.items():
        pascal = "".join(map(str.capitalize, name.split("_")))
        assert found[f"{pascal}Throttled"]["MetricName"] == "Throttles"
        near = found[f"{pascal}NearTimeout"]
        assert (near["MetricName"], near["Statistic"]) == ("Duration", "Maximum")
        assert near["Threshold"] == NEAR_THE_LIMIT * 1000 * spec.timeout
    for table in ("Orders", "Accounts", "Ledger", "Control"):
        assert found[f"{table}WritesThrottled"]["MetricName"] == "WriteThrottleEvents"
        assert found[f"{table}ReadsThrottled"]["MetricName"] == "ReadThrottleEvents"
    assert found["WorkflowStartsThrottled"]["Namespace"] == "AWS/States"
    assert found["ConcurrencyHigh"]["MetricName"] == "ConcurrentExecutions"


def test_slow_answers_of_each_api_raise_an_alarm(synthesized: Synthesized) -> None:
    """Where callers may wait for an answer, the functions are watched that must be fast."""
    slow = [
        a.properties for a in alarms(synthesized) if a.properties.get("ExtendedStatistic") == "p99"
    ]
    apis = [
        *synthesized.of_type("AWS::ApiGateway::RestApi"),
        *(
            each
            for each in synthesized.of_type("AWS::ApiGatewayV2::Api")
            if each.properties["ProtocolType"] == "HTTP"  # nobody waits for an answer of the stream
        ),
    ]
    with_long_polls = [
        routes
        for routes in (PUBLIC_ROUTES, INTERNAL_ROUTES, CALLBACK_ROUTES, VENUE_ROUTES)
        if any(route.waits for route in routes)
    ]
    watched = [each for each in slow if each["MetricName"] == "Latency"]
    assert len(watched) == len(apis) - len(with_long_polls)
    fast = {route.function for routes in with_long_polls for route in routes if not route.waits}
    assert len([each for each in slow if each["MetricName"] == "Duration"]) == len(fast)


def test_no_api_has_detailed_metrics_that_nobody_reads(synthesized: Synthesized) -> None:
    for stage in synthesized.of_type("AWS::ApiGateway::Stage"):
        for settings in stage.properties["MethodSettings"]:
            assert settings["MetricsEnabled"] is False


def test_alarms_on_an_api_need_no_detailed_metrics(synthesized: Synthesized) -> None:
    """Those have the dimensions Method and Resource, and cost 66 USD a month."""
    watched = [
        each.properties
        for each in synthesized.of_type("AWS::CloudWatch::Alarm")
        if each.properties["Namespace"] == "AWS/ApiGateway"
    ]
    assert {each["MetricName"] for each in watched} == {
        "5XXError",
        "5xx",
        "Latency",
        "ExecutionError",
    }
    for each in watched:
        assert {dimension["Name"] for dimension in each["Dimensions"]} <= {
            "ApiName",
            "ApiId",
            "Stage",
        }
