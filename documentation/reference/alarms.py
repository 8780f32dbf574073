"""Alarms, from the templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from documentation.markdown import code, section, table
from documentation.templates import PRODUCTION, STAGE, templates
from infra.synthesized import Resource, text

HASH = 8
"""CloudFormation's logical ids end with so many characters that CDK computes."""
COMPARED = {"GreaterThanThreshold": "more than", "LessThanThreshold": "less than"}
MISSING = {
    "notBreaching": "the alarm is off",
    "breaching": "the alarm is on",
    "ignore": "the alarm stays as it is",
}
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))


@dataclass(frozen=True)
class Alarm:
    """An alarm as it is deployed in a stage."""

    resource: Resource
    stage: str

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its description in the template."""
        return self.resource.properties

    @property
    def name(self) -> str:
        """Its construct's name."""
        return self.resource.logical_id[:-HASH]

    @property
    def anchor(self) -> str:
        """Its anchor on the page."""
        return self.name.lower()

    @property
    def namespace(self) -> str:
        """The metric's namespace."""
        return str(self.properties["Namespace"])

    @property
    def metric(self) -> str:
        """The metric that it watches."""
        return str(self.properties["MetricName"])


def alarms(stage: str = STAGE) -> list[Alarm]:
    """All alarms of all stacks, by name."""
    found = (Alarm(each, stage) for each in templates(stage).of_type("AWS::CloudWatch::Alarm"))
    return sorted(found, key=lambda alarm: alarm.name)


def sections() -> str:
    """A section for each alarm: its meaning and its condition."""
    return "\n".join(
        section(
            2,
            alarm.name,
            alarm.properties["AlarmDescription"],
            table(
                ("metric", "of", "rings at", "without data", "stack"),
                [
                    (
                        code(f"{alarm.namespace} {alarm.metric}"),
                        _watched(alarm),
                        _condition(alarm.properties),
                        MISSING[alarm.properties["TreatMissingData"]],
                        code(alarm.resource.stack),
                    )
                ],
            ),
            anchor=alarm.anchor,
        )
        for alarm in alarms()
    )


def of_production() -> str:
    """The alarms that stage dev does not have."""
    known = {alarm.name for alarm in alarms()}
    return table(
        ("alarm", "meaning", "metric", "of", "rings at", "without data"),
        (
            (
                code(alarm.name),
                alarm.properties["AlarmDescription"],
                code(f"{alarm.namespace} {alarm.metric}"),
                _watched(alarm),
                _condition(alarm.properties),
                MISSING[alarm.properties["TreatMissingData"]],
            )
            for alarm in alarms(PRODUCTION)
            if alarm.name not in known
        ),
    )


def _condition(properties: Mapping[str, Any]) -> str:
    periods = properties["EvaluationPeriods"]
    statistic = str(properties.get("Statistic") or properties["ExtendedStatistic"]).lower()
    compared = COMPARED[properties["ComparisonOperator"]]
    within = duration(properties["Period"])
    times = f", {periods} times in a row" if periods > 1 else ""
    return f"{statistic} {compared} {properties['Threshold']} in {within}{times}"


def duration(seconds: int) -> str:
    """Seconds in the greatest unit that divides them."""
    for length, unit in UNITS:
        if seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} seconds"


def _watched(alarm: Alarm) -> str:
    """The values of its dimensions: what the metric is measured of."""
    return ", ".join(
        "its newest version"
        if each["Name"] == "ExecutedVersion"
        else code(named(alarm.resource.stack, each["Value"], alarm.stage))
        for each in alarm.properties.get("Dimensions", ())
    )


NAMES = (
    "FunctionName",
    "QueueName",
    "StateMachineName",
    "TableName",
    "BackupVaultName",
    "Name",
    "Description",
    "LogGroupName",
)


def named(stack: str, value: object, stage: str = STAGE) -> str:
    """The name of what a template's value refers to, without the stage's prefix; the value itself
    if it is text.
    """
    name = _name(stack, value, stage)
    if name.startswith("arn:"):
        name = name.rpartition(":")[2]
    return name.removeprefix(f"trading-{stage}-")


def _name(stack: str, value: object, stage: str) -> str:
    match value:
        case str() | {"Ref": "AWS::Partition" | "AWS::Region" | "AWS::AccountId"}:
            return str(value)
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_name(stack, part, stage) for part in parts)
    properties = templates(stage).target(stack, value).properties
    return next(text(properties[key]) for key in NAMES if key in properties)
