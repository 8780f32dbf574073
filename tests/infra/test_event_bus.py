"""The way of events: from the streams of the tables over the bus to the queue of the log."""

import json

from infra.catalog.tables import STREAMED
from infra.synthesized import Resource, Synthesized, text
from trading.adapters.dynamodb.names import EVENT_ATTRIBUTE

HOUR_SECONDS = 3_600
"""A stream keeps its records no longer."""
LAMBDA_TRIES_FOR_EVER = -1


def sources(deployed: Synthesized, type_: str) -> list[tuple[Resource, Resource, Resource]]:
    """Event source mappings with their sources, which are of one type, and their functions."""
    found = [
        (
            mapping,
            deployed.target(mapping.stack, mapping.properties["EventSourceArn"]),
            deployed.called(mapping.stack, mapping.properties["FunctionName"]),
        )
        for mapping in deployed.of_type("AWS::Lambda::EventSourceMapping")
    ]
    return [each for each in found if each[1].type == type_]


def named(deployed: Synthesized, suffix: str) -> Resource:
    """The queue with this name."""
    [queue] = [
        queue
        for queue in deployed.of_type("AWS::SQS::Queue")
        if text(queue.properties["QueueName"]).endswith(suffix)
    ]
    return queue


def test_what_reads_an_event_is_released_before_what_writes_it(
    synthesized: Synthesized, stage: str
) -> None:
    assembly = json.loads((synthesized.directory / "manifest.json").read_text())
    after = {
        name: artifact.get("dependencies", ()) for name, artifact in assembly["artifacts"].items()
    }
    assert f"trading-{stage}-events" in after[f"trading-{stage}-services"]
    assert f"trading-{stage}-services" in after[f"trading-{stage}-stream"]


def test_the_publisher_follows_each_stream_from_its_beginning(
    synthesized: Synthesized, stage: str
) -> None:
    publisher = synthesized.function("event_publisher")
    followed = set()
    for mapping, table, function in sources(synthesized, "AWS::DynamoDB::Table"):
        assert function.key == publisher.key
        assert mapping.properties["StartingPosition"] == "TRIM_HORIZON"
        followed.add(table.properties["TableName"].removeprefix(f"trading-{stage}-"))
    assert followed == set(STREAMED)


def test_a_batch_of_a_stream_that_fails_is_repeated_in_halves_until_its_records_expire(
    synthesized: Synthesized,
) -> None:
    """A record that cannot be published must not stop those behind it, and none may be lost."""
    buried = named(synthesized, "-events-dlq")
    for mapping, _, function in sources(synthesized, "AWS::DynamoDB::Table"):
        assert mapping.properties["BisectBatchOnFunctionError"] is True
        assert mapping.properties["MaximumRecordAgeInSeconds"] == 23 * HOUR_SECONDS, (
            "before the day is over"
        )
        tries = mapping.properties.get("MaximumRetryAttempts", LAMBDA_TRIES_FOR_EVER)
        assert tries == LAMBDA_TRIES_FOR_EVER
        failed = mapping.properties["DestinationConfig"]["OnFailure"]["Destination"]
        assert synthesized.target(mapping.stack, failed).key == buried.key
        role = synthesized.target(function.stack, function.properties["Role"])
        assert any(
            statement["Action"] == "sqs:SendMessage"
            and synthesized.target(policy.stack, statement["Resource"]).key == buried.key
            for policy in synthesized.of_type("AWS::IAM::Policy")
            if synthesized.target(policy.stack, policy.properties["Roles"][0]).key == role.key
            for statement in policy.properties["PolicyDocument"]["Statement"]
        )


def test_only_records_with_an_event_start_the_publisher(synthesized: Synthesized) -> None:
    for mapping, _, _ in sources(synthesized, "AWS::DynamoDB::Table"):
        [criterion] = mapping.properties["FilterCriteria"]["Filters"]
        assert json.loads(criterion["Pattern"]) == {
            "dynamodb": {"NewImage": {EVENT_ATTRIBUTE: {"S": [{"exists": True}]}}}
        }


def test_the_rule_puts_the_events_of_accounts_into_the_queue_of_their_log(
    synthesized: Synthesized,
) -> None:
    [rule] = synthesized.of_type("AWS::Events::Rule")
    [bus] = synthesized.of_type("AWS::Events::EventBus")
    assert synthesized.target(rule.stack, rule.properties["EventBusName"]).key == bus.key
    assert rule.properties["State"] == "ENABLED"
    assert rule.properties["EventPattern"] == {
        "source": ["trading"],
        "detail": {"aggregate": {"kind": ["account"]}},
    }
    [target] = rule.properties["Targets"]
    queue = synthesized.target(rule.stack, target["Arn"])
    assert queue.key == named(synthesized, "-events").key
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 24 * HOUR_SECONDS}
    [(_, logged, function)] = [
        each for each in sources(synthesized, "AWS::SQS::Queue") if each[1].key == queue.key
    ]
    assert function.key == synthesized.function("event_log").key
    assert "FifoQueue" not in logged.properties


def test_the_rule_may_send_to_both_queues_of_events_and_nobody_else_may(
    synthesized: Synthesized,
) -> None:
    [rule] = synthesized.of_type("AWS::Events::Rule")
    allowed = {
        synthesized.target(policy.stack, queue).key
        for policy in synthesized.of_type("AWS::SQS::QueuePolicy")
        for queue in policy.properties["Queues"]
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": "events.amazonaws.com"}
        and synthesized.target(
            policy.stack, statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        ).key
        == rule.key
    }
    assert allowed == {named(synthesized, name).key for name in ("-events", "-events-dlq")}


def test_what_fails_too_often_in_the_log_goes_to_the_dead_letter_queue_of_events(
    synthesized: Synthesized,
) -> None:
    queue, buried = (named(synthesized, name) for name in ("-events", "-events-dlq"))
    redrive = queue.properties["RedrivePolicy"]
    assert synthesized.target(queue.stack, redrive["deadLetterTargetArn"]).key == buried.key
    assert redrive["maxReceiveCount"] >= 5
