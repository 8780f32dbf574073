"""Queues, schedules and secrets, from the templates."""

import json
from collections.abc import Iterator

from documentation.markdown import code, codes, table
from documentation.reference.alarms import duration, named
from documentation.templates import templates
from infra.catalog.grants import GRANTS
from infra.catalog.names import EXPRESS
from infra.synthesized import Resource

EVENT_SOURCE = "AWS::Lambda::EventSourceMapping"
SCHEDULE = "AWS::Scheduler::Schedule"


def queues() -> str:
    """Every queue: its senders, its readers, and its dead-letter queue."""
    consumers = {queue: function for function, queue in _of_queues()}
    return table(
        ("queue", "read by", "sent to by", "visibility time-out", "kept for", "dead letters"),
        (
            (
                code(name := named(queue.stack, queue.properties["QueueName"])),
                code(consumers.get(name, "").replace("-", "_")),
                ", ".join((*map(code, _senders(name)), *_rules(queue))),
                _seconds(queue, "VisibilityTimeout"),
                _seconds(queue, "MessageRetentionPeriod"),
                _dead_letters(queue),
            )
            for queue in sorted(
                templates().of_type("AWS::SQS::Queue"),
                key=lambda each: str(each.properties["QueueName"]),
            )
        ),
    )


def _of_queues() -> Iterator[tuple[str, str]]:
    """Functions, and the queues that they read."""
    for source in templates().of_type(EVENT_SOURCE):
        if not _is_stream(source):
            yield _function(source), named(source.stack, source.properties["EventSourceArn"])


def _of_streams() -> Iterator[tuple[str, str]]:
    """Functions, and the tables whose streams they read."""
    for source in templates().of_type(EVENT_SOURCE):
        if _is_stream(source):
            yield _function(source), named(source.stack, source.properties["EventSourceArn"])


def _is_stream(source: Resource) -> bool:
    return "StartingPosition" in source.properties


def _function(source: Resource) -> str:
    return named(source.stack, source.properties["FunctionName"])


def _senders(queue: str) -> list[str]:
    """The functions that may send to a queue."""
    short = queue.removesuffix(".fifo")
    kind = f"dlqs/{short.removesuffix('-dlq')}" if short.endswith("-dlq") else f"queues/{short}"
    return _granted(kind, "SendMessage")


def _rules(queue: Resource) -> Iterator[str]:
    """The rules of the bus that send to a queue, or put there what they could not deliver."""
    for rule in templates().of_type("AWS::Events::Rule"):
        name = code(named(rule.stack, rule.properties["Name"]))
        for target in rule.properties["Targets"]:
            undelivered = target.get("DeadLetterConfig", {})
            if _is(queue, rule, target["Arn"]):
                yield f"rule {name}"
            if _is(queue, rule, undelivered.get("Arn")):
                yield f"rule {name}, if it fails"


def _is(queue: Resource, rule: Resource, arn: object) -> bool:
    return arn is not None and templates().target(rule.stack, arn).key == queue.key


def _seconds(queue: Resource, key: str) -> str:
    return duration(queue.properties[key]) if key in queue.properties else ""


def _dead_letters(queue: Resource) -> str:
    policy = queue.properties.get("RedrivePolicy")
    if not policy:
        return ""
    target = named(queue.stack, policy["deadLetterTargetArn"])
    return f"{code(target)} after {policy['maxReceiveCount']} receives"


def schedules() -> str:
    """Every schedule: when, in which time zone, and what it starts."""
    return table(
        ("schedule", "when", "time zone", "starts", "with", "given up after"),
        (
            (
                code(named(each.stack, each.properties["Name"])),
                code(each.properties["ScheduleExpression"]),
                each.properties["ScheduleExpressionTimezone"],
                code(named(each.stack, each.properties["Target"]["Arn"])),
                _input(each),
                duration(each.properties["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"]),
            )
            for each in sorted(
                templates().of_type(SCHEDULE), key=lambda each: str(each.properties["Name"])
            )
        ),
    )


def _input(schedule: Resource) -> str:
    given = schedule.properties["Target"].get("Input", "{}")
    return code(given) if json.loads(given) else ""


def secrets() -> str:
    """Every secret, with the functions that read or write it."""
    return table(
        ("secret", "read by", "written by"),
        (
            (
                code(name := named(each.stack, each.properties["Name"])),
                codes(_granted(f"secrets/{name}", "GetSecretValue")),
                codes(_granted(f"secrets/{name}", "PutSecretValue")),
            )
            for each in templates().of_type("AWS::SecretsManager::Secret")
        ),
    )


def _granted(resource: str, action: str) -> list[str]:
    return [name for name, grants in GRANTS.items() if action in grants.get(resource, "").split()]


def triggers() -> dict[str, list[str]]:
    """Function, by its deployed name → the queues and schedules that invoke it."""
    found: dict[str, list[str]] = {}
    for function, queue in _of_queues():
        found.setdefault(function, []).append(f"queue {code(queue)}")
    for function, table_name in _of_streams():
        found.setdefault(function, []).append(f"stream of table {code(table_name)}")
    for schedule, target in scheduled():
        found.setdefault(target, []).append(f"schedule {code(schedule)}")
    for machine, function in invoked_by_workflows():
        found.setdefault(function, []).append(f"workflow {code(machine)}")
    return {name: sorted(set(each)) for name, each in found.items()}


def scheduled() -> Iterator[tuple[str, str]]:
    """Schedules, and the function or workflow that each of them starts."""
    for each in templates().of_type(SCHEDULE):
        target = named(each.stack, each.properties["Target"]["Arn"])
        yield named(each.stack, each.properties["Name"]), target


def invoked_by_workflows() -> Iterator[tuple[str, str]]:
    """Workflows and the functions that their definitions name."""
    yield from _of_workflows("AWS::Lambda::Function", "FunctionName")


def sent_by_workflows() -> Iterator[tuple[str, str]]:
    """Workflows and the queues that their definitions name."""
    yield from _of_workflows("AWS::SQS::Queue", "QueueName")


def _of_workflows(type_: str, name: str) -> Iterator[tuple[str, str]]:
    for machine in templates().of_type("AWS::StepFunctions::StateMachine"):
        for value in machine.properties["DefinitionSubstitutions"].values():
            if isinstance(value, str):
                continue
            target = templates().target(machine.stack, value)
            if target.type == type_:
                workflow = named(machine.stack, machine.properties["StateMachineName"])
                yield workflow.removesuffix(EXPRESS), named(target.stack, target.properties[name])
