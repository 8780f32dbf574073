"""The bus of events, and the queue between it and the log of the accounts' events."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.alarms import Alarms
from infra.constructs.mailbox import VISIBILITY_FACTOR, undelivered
from infra.stage import Deployment
from trading.adapters.messaging.event_bus import SOURCE
from trading.domain.events import AggregateKind

MAX_RECEIVES = 100
"""At the visibility timeout, more than two hours: longer than most outages."""
LONGEST_DELIVERY = Duration.hours(24)


class EventBus(Construct):
    """Events of all kinds on one bus. A rule puts those of accounts into a queue.

    `dead_letters` takes stream records that cannot be read, events that the bus cannot deliver, and
    messages that the log cannot handle. `given_up`: the alarm when it is not empty.
    """

    def __init__(
        self, scope: Construct, deployment: Deployment, log_timeout: int, alarms: Alarms
    ) -> None:
        super().__init__(scope, "EventBus")
        self.bus = events.EventBus(self, "Bus", event_bus_name=deployment.named("events"))
        self.dead_letters, self.given_up = undelivered(
            self, deployment, "events-dlq", alarms, "An event could not be read or delivered"
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=deployment.named("events"),
            visibility_timeout=Duration.seconds(VISIBILITY_FACTOR * log_timeout),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=MAX_RECEIVES
            ),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            removal_policy=deployment.removal_policy,
        )
        alarms.when_late(self, "OldestEventLate", self.queue, "Events wait for too long")
        events.Rule(
            self,
            "OfAccounts",
            event_bus=self.bus,
            rule_name=deployment.named("events-of-accounts"),
            description="The events of accounts, for their log.",
            event_pattern=events.EventPattern(
                source=[SOURCE],
                detail={"aggregate": {"kind": [AggregateKind.ACCOUNT.value]}},
            ),
            targets=[
                targets.SqsQueue(
                    self.queue,
                    dead_letter_queue=self.dead_letters,
                    max_event_age=LONGEST_DELIVERY,
                )
            ],
        )
