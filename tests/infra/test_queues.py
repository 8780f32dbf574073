"""The mailboxes, and what happens to messages that cannot be handled."""

from infra.catalog.names import MAILBOXES
from infra.synthesized import Resource, Synthesized, text
from trading.adapters.messaging.mailbox_worker import MAX_TRIES

VISIBILITY_FACTOR = 6


def dead_letter_queues(deployed: Synthesized) -> dict[tuple[str, str], Resource]:
    """Every queue that another resource sends its failures to."""
    arns = [
        (queue.stack, queue.properties["RedrivePolicy"]["deadLetterTargetArn"])
        for queue in deployed.of_type("AWS::SQS::Queue")
        if "RedrivePolicy" in queue.properties
    ]
    arns += [
        (config.stack, config.properties["DestinationConfig"]["OnFailure"]["Destination"])
        for config in deployed.of_type("AWS::Lambda::EventInvokeConfig")
    ]
    arns += [
        (mapping.stack, mapping.properties["DestinationConfig"]["OnFailure"]["Destination"])
        for mapping in deployed.of_type("AWS::Lambda::EventSourceMapping")
        if "DestinationConfig" in mapping.properties
    ]
    arns += [
        (rule.stack, target["DeadLetterConfig"]["Arn"])
        for rule in deployed.of_type("AWS::Events::Rule")
        for target in rule.properties["Targets"]
    ]
    arns += [
        (schedule.stack, schedule.properties["Target"]["DeadLetterConfig"]["Arn"])
        for schedule in deployed.of_type("AWS::Scheduler::Schedule")
    ]
    return {queue.key: queue for queue in (deployed.target(stack, arn) for stack, arn in arns)}


def is_of_events(queue: Resource) -> bool:
    """Whether it is the queue of the bus. It has no order: events carry their sequence."""
    return text(queue.properties["QueueName"]).endswith("-events")


def test_every_queue_has_a_dead_letter_queue_or_is_one(synthesized: Synthesized) -> None:
    dead_letters = dead_letter_queues(synthesized)
    for queue in synthesized.of_type("AWS::SQS::Queue"):
        assert "RedrivePolicy" in queue.properties or queue.key in dead_letters, queue.logical_id


def test_every_queue_is_encrypted_and_refuses_plain_http(synthesized: Synthesized) -> None:
    denied = {
        synthesized.target(policy.stack, queue).key
        for policy in synthesized.of_type("AWS::SQS::QueuePolicy")
        for queue in policy.properties["Queues"]
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    for queue in synthesized.of_type("AWS::SQS::Queue"):
        assert queue.properties["SqsManagedSseEnabled"] is True, queue.logical_id
        assert queue.key in denied, queue.logical_id


def test_mailboxes_are_fifo_by_client_with_high_throughput(synthesized: Synthesized) -> None:
    mailboxes = [
        queue
        for queue in synthesized.of_type("AWS::SQS::Queue")
        if "RedrivePolicy" in queue.properties and not is_of_events(queue)
    ]
    assert len(mailboxes) == len(MAILBOXES)
    for queue in mailboxes:
        dead_letters = synthesized.target(
            queue.stack, queue.properties["RedrivePolicy"]["deadLetterTargetArn"]
        )
        assert queue.properties["RedrivePolicy"]["maxReceiveCount"] > MAX_TRIES
        for each in (queue, dead_letters):
            assert each.properties["FifoQueue"] is True
            assert each.properties["ContentBasedDeduplication"] is True
            assert each.properties["DeduplicationScope"] == "messageGroup"
            assert each.properties["FifoThroughputLimit"] == "perMessageGroupId"


def test_every_mailboxs_function_reports_partial_failures_and_has_enough_time(
    synthesized: Synthesized,
) -> None:
    served = set()
    for mapping in synthesized.of_type("AWS::Lambda::EventSourceMapping"):
        queue = synthesized.target(mapping.stack, mapping.properties["EventSourceArn"])
        if queue.type == "AWS::DynamoDB::Table":
            continue  # a stream: see test_event_bus
        function = synthesized.called(mapping.stack, mapping.properties["FunctionName"])
        assert mapping.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert (
            queue.properties["VisibilityTimeout"]
            >= VISIBILITY_FACTOR * function.properties["Timeout"]
        )
        served.add(queue.key)
    mailboxes = {
        queue.key
        for queue in synthesized.of_type("AWS::SQS::Queue")
        if "RedrivePolicy" in queue.properties
    }
    assert served == mailboxes


def watched(deployed: Synthesized, metric: str) -> set[tuple[str, str]]:
    return {
        deployed.target(alarm.stack, alarm.properties["Dimensions"][0]["Value"]).key
        for alarm in deployed.of_type("AWS::CloudWatch::Alarm")
        if alarm.properties["MetricName"] == metric
    }


def test_dead_letters_and_late_messages_raise_alarms(synthesized: Synthesized) -> None:
    mailboxes = {
        queue.key
        for queue in synthesized.of_type("AWS::SQS::Queue")
        if "RedrivePolicy" in queue.properties
    }
    assert (
        watched(synthesized, "ApproximateNumberOfMessagesVisible")
        == dead_letter_queues(synthesized).keys()
    )
    assert watched(synthesized, "ApproximateAgeOfOldestMessage") == mailboxes


def test_queue_names_follow_the_catalog(synthesized: Synthesized, stage: str) -> None:
    names = {
        text(queue.properties["QueueName"]) for queue in synthesized.of_type("AWS::SQS::Queue")
    }
    for mailbox in ("execution", "clearing", "settlement"):
        assert {f"trading-{stage}-{mailbox}.fifo", f"trading-{stage}-{mailbox}-dlq.fifo"} <= names
    assert {f"trading-{stage}-events", f"trading-{stage}-events-dlq"} <= names
