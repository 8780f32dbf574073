"""Metrics that our functions emit."""

import ast
from collections import defaultdict

from documentation.markdown import code, codes, link, table
from documentation.reference.alarms import Alarm, alarms
from documentation.reference.sources import calls
from trading.metrics import COUNT, METRICS_NAMESPACE, Metric


def emitted() -> str:
    """Every metric with its meaning, the facts in its log line, and its alarms."""
    watched, facts = by_metric(), logged()
    return table(
        ("metric", "meaning", "facts in the log line", "alarms"),
        (
            (
                code(metric) if metric.unit == COUNT else f"{code(metric)}, {metric.unit}",
                metric.sentence,
                codes(sorted(facts[metric])),
                "<br>".join(
                    link(each.name, f"alarms.md#{each.anchor}") for each in watched[metric]
                ),
            )
            for metric in Metric
        ),
    )


def logged() -> dict[Metric, set[str]]:
    """Metric → the names of the facts that its log line carries, from every call of `count`."""
    found: dict[Metric, set[str]] = defaultdict(set)
    for _, call in calls("count"):
        match call.args:
            case [ast.Attribute(value=ast.Name(id="Metric"), attr=name), *_]:
                found[Metric[name]] |= {each.arg for each in call.keywords if each.arg}
    return found


def by_metric() -> dict[str, list[Alarm]]:
    """Metric of our own → the alarms on it."""
    found: dict[str, list[Alarm]] = defaultdict(list)
    for alarm in alarms():
        if alarm.namespace == METRICS_NAMESPACE:
            found[alarm.metric].append(alarm)
    return found
