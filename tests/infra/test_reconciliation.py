"""The reconciliation's permissions and alarms."""

from typing import Any

import pytest

from infra.synthesized import Synthesized, as_list


def alarm_on(deployed: Synthesized, metric: str) -> dict[str, Any]:
    found = [
        alarm.properties
        for alarm in deployed.of_type("AWS::CloudWatch::Alarm")
        if alarm.properties.get("MetricName") == metric
    ]
    assert len(found) == 1, metric
    return found[0]


def test_the_reconciliation_may_read_all_books_and_write_only_reports(
    synthesized: Synthesized,
) -> None:
    function = synthesized.function("reconciliation")
    role = synthesized.target(function.stack, function.properties["Role"])
    allowed = {
        (action, synthesized.target(policy.stack, resource).logical_id.rstrip("0123456789ABCDEF"))
        for policy in synthesized.of_type("AWS::IAM::Policy")
        if synthesized.target(policy.stack, policy.properties["Roles"][0]).key == role.key
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        if action.startswith("dynamodb:")
        for resource in as_list(statement["Resource"])
    }
    assert allowed == {
        ("dynamodb:Scan", "Accounts"),
        ("dynamodb:Scan", "Orders"),
        ("dynamodb:Scan", "Ledger"),
        ("dynamodb:PutItem", "Control"),
    }


def test_the_alarm_on_findings_lasts_until_a_run_finds_none(synthesized: Synthesized) -> None:
    alarm = alarm_on(synthesized, "ReconciliationFindings")
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert alarm["TreatMissingData"] == "ignore"


def test_an_alarm_goes_off_after_three_hours_without_a_complete_run(
    synthesized: Synthesized,
) -> None:
    alarm = alarm_on(synthesized, "ReconciliationRuns")
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "LessThanThreshold")
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 3 * 3600
    assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.parametrize(
    "metric", ["ReconciliationFindings", "ReconciliationRuns", "ReconciliationsIncomplete"]
)
def test_the_alarms_watch_what_the_function_counts(synthesized: Synthesized, metric: str) -> None:
    assert alarm_on(synthesized, metric)["Namespace"] == "Trading"
