"""What outlives a deployment of code: tables, queues, secrets, and the topic of all alarms."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.catalog.functions import FUNCTIONS
from infra.catalog.names import DEPOSITORY, EXCHANGES, MAILBOXES
from infra.catalog.tables import TABLES
from infra.constructs.alarms import Alarms
from infra.constructs.code_key import code_key
from infra.constructs.event_bus import EventBus
from infra.constructs.mailbox import FifoMailbox, undelivered
from infra.constructs.naming import pascal
from infra.constructs.records import record_table
from infra.constructs.rest_api import LoggingAccount
from infra.stage import Deployment
from infra.wildcards import acknowledge

SECRET_LENGTH = 64


class StatefulStack(Stack):
    """Tables, mailboxes, secrets, alarms."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(
            scope,
            deployment.named("stateful"),
            description="Trading: tables, queues, secrets",
            termination_protection=deployment.is_production,
        )
        self._deployment = deployment
        self.alarms = Alarms(self, deployment)
        self.tables = {
            name: record_table(self, deployment, name, spec) for name, spec in TABLES.items()
        }
        self.mailboxes = {
            name: FifoMailbox(self, deployment, name, FUNCTIONS[name].timeout, self.alarms)
            for name in MAILBOXES
        }
        self.events = EventBus(self, deployment, FUNCTIONS["event_log"].timeout, self.alarms)
        self.failed_invocations, _ = undelivered(
            self,
            deployment,
            "invocations-dlq",
            self.alarms,
            "An asynchronous invocation failed for good",
        )
        self.failed_schedules, _ = undelivered(
            self, deployment, "schedules-dlq", self.alarms, "A schedule could not invoke its target"
        )
        venues = [*EXCHANGES, DEPOSITORY]
        self.secrets = {name: self._secret(name) for name in (f"venue-{venue}" for venue in venues)}
        self.code_key = code_key(self, deployment)
        LoggingAccount(self)

        for name, table in self.tables.items():
            CfnOutput(self, f"{pascal(name)}Table", value=table.table_name)
        for name, mailbox in self.mailboxes.items():
            CfnOutput(self, f"{pascal(name)}QueueUrl", value=mailbox.queue.queue_url)
            CfnOutput(self, f"{pascal(name)}DlqUrl", value=mailbox.dead_letters.queue_url)
        CfnOutput(self, "EventBusName", value=self.events.bus.event_bus_name)
        CfnOutput(self, "EventsQueueUrl", value=self.events.queue.queue_url)
        CfnOutput(self, "EventsDlqUrl", value=self.events.dead_letters.queue_url)

    def _secret(self, name: str) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            f"{pascal(name)}Secret",
            secret_name=self._deployment.named(name),
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=SECRET_LENGTH, exclude_punctuation=True
            ),
            # A venue knows its secret. Nobody can make the same one again.
            removal_policy=self._deployment.removal_policy,
            replica_regions=self._replicas(),
        )
        acknowledge(
            secret,
            {"AwsSolutions-SMG4": "A venue's secret is rotated together with the venue."},
        )
        return secret

    def _replicas(self) -> list[secretsmanager.ReplicaRegion]:
        """AWS Backup holds no secrets, so Secrets Manager itself copies them."""
        copies = self._deployment.copies_region
        return [secretsmanager.ReplicaRegion(region=copies)] if copies else []
