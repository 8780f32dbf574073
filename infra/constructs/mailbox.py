"""Queues: the clients' mailboxes and the dead-letter queues."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.alarms import Alarms
from infra.constructs.naming import pascal
from infra.stage import Deployment
from infra.wildcards import acknowledge

MAX_RECEIVES = 30
"""Receives before SQS moves a message to the dead-letter queue. The worker itself moves a message
after a few failures, so this limit is for messages that kill the worker. It is high, because SQS
also counts the messages that wait behind a failing one in their group as received.
"""
VISIBILITY_FACTOR = 6
"""AWS recommends a visibility timeout of six times the function's time-out. Otherwise a throttled
batch could become visible while Lambda still retries it.
"""
DEAD_LETTERS_KEPT_FOR = Duration.days(14)
"""The longest that SQS keeps a message."""


class FifoMailbox(Construct):
    """A high-throughput FIFO queue (group = client id), its dead-letter queue, and an alarm on
    each.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        name: str,
        function_timeout: int,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, f"{pascal(name)}Mailbox")
        # What is in a queue exists nowhere else, if it is a report or a message that was given up.
        self._removal_policy = deployment.removal_policy
        self.dead_letters = self._queue(
            "DeadLetters",
            deployment.named(f"{name}-dlq.fifo"),
            retention_period=DEAD_LETTERS_KEPT_FOR,
        )
        self.queue = self._queue(
            "Queue",
            deployment.named(f"{name}.fifo"),
            visibility_timeout=Duration.seconds(VISIBILITY_FACTOR * function_timeout),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=MAX_RECEIVES
            ),
        )
        self.given_up = alarms.when_not_empty(
            self,
            "DeadLettersNotEmpty",
            self.dead_letters,
            f"A message to {name} could not be handled",
        )
        alarms.when_late(
            self, "OldestMessageLate", self.queue, f"Messages to {name} wait for too long"
        )

    def _queue(self, construct_id: str, name: str, **options: object) -> sqs.Queue:
        return sqs.Queue(
            self,
            construct_id,
            queue_name=name,
            fifo=True,
            content_based_deduplication=True,
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            removal_policy=self._removal_policy,
            **options,  # type: ignore[arg-type]
        )


def undelivered(
    scope: Construct, deployment: Deployment, name: str, alarms: Alarms, description: str
) -> tuple[sqs.Queue, cloudwatch.Alarm]:
    """A dead-letter queue without a source queue, for asynchronous invocations or schedules, and an
    alarm on it.
    """
    queue = sqs.Queue(
        scope,
        pascal(name),
        queue_name=deployment.named(name),
        retention_period=DEAD_LETTERS_KEPT_FOR,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        removal_policy=deployment.removal_policy,
    )
    acknowledge(queue, {"AwsSolutions-SQS3": "This is a dead-letter queue."})
    return queue, alarms.when_not_empty(scope, f"{pascal(name)}NotEmpty", queue, description)
