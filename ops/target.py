"""The deployment that a command acts on: a stage on AWS, or the local AWS."""

import getpass
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.catalog.names import LIVE
from trading.adapters.dynamodb.tables import TableBooks, TableNames
from trading.adapters.runtime import clock
from workstation.local_system import ACCOUNT, REGION, LocalSystem, default_system
from workstation.screen import Screen

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

CONFIG = Config(
    connect_timeout=3, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3}
)
ONCE_AND_PATIENT = Config(connect_timeout=3, read_timeout=330, retries={"total_max_attempts": 1})
"""For invocations that wait for the answer. A retry by the SDK would run the function twice."""
WITNESS = "sweeper"
"""The schedule that is disabled as long as the writers are stopped, or only a part of them."""
EVENTS = "events"
"""The queue and the table of the log of events."""


@dataclass(frozen=True)
class Target:
    """A deployment, by its stage; `system` is set when it is on the local AWS."""

    stage: str
    session: boto3.Session
    system: LocalSystem | None = None

    @classmethod
    def choose(cls, stage: str, local: bool | None) -> "Target":
        """Choose the local AWS if `local` says so, or if `local` is None and it runs; else AWS."""
        system = default_system()
        if local or (local is None and system.is_running):
            session = boto3.Session(
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="local",  # noqa: S106  (the local AWS takes any)
                region_name=REGION,
            )
            return cls(stage, session, system)
        return cls(stage, boto3.DEFAULT_SESSION or boto3.Session())

    def __str__(self) -> str:
        where = (
            f"local AWS at {self.system.endpoint}"
            if self.system
            else f"AWS {self.session.region_name}"
        )
        return f"stage {self.stage}, {where}"

    def named(self, name: str) -> str:
        """Return the physical name of a resource of the deployment."""
        return f"trading-{self.stage}-{name}"

    def called(self, function: str) -> str:
        """Return the name to invoke a function by: in production its alias."""
        return f"{self.named(function)}:{LIVE}" if self.is_production else self.named(function)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """Tables."""
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def sqs(self) -> "SQSClient":
        """Queues."""
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        """Workflows."""
        client: SFNClient = self._client("stepfunctions")
        return client

    @cached_property
    def logs(self) -> Any:
        """Logs of the workflows."""
        return self._client("logs")

    @cached_property
    def functions(self) -> "LambdaClient":
        """Functions."""
        client: LambdaClient = self._client("lambda", ONCE_AND_PATIENT)
        return client

    @cached_property
    def books(self) -> TableBooks:
        """The tables, read and written by the same code as in the functions."""
        names = TableNames(**{name: self.named(name) for name in TableNames.__dataclass_fields__})
        return TableBooks(self.dynamodb, names, clock.now)

    @cached_property
    def _identity(self) -> dict[str, str]:
        answer: dict[str, str] = self._client("sts").get_caller_identity()
        return answer

    @property
    def who(self) -> str:
        """The caller for the audit log: the ARN on AWS, the user name on the local AWS."""
        return f"local user {getpass.getuser()}" if self.system else self._identity["Arn"]

    def states_arn(self, kind: str, name: str) -> str:
        """Return an ARN.
        `kind`: `stateMachine`, or `execution` with the name `{machine}:{name}`.
        """
        partition, account = self._identity["Arn"].split(":")[1], self._identity["Account"]
        return (
            f"arn:{partition}:states:{self.session.region_name}:{account}:{kind}:{self.named(name)}"
        )

    @cached_property
    def scheduler(self) -> Any:
        """Schedules."""
        return self._client("scheduler")

    @cached_property
    def backup(self) -> Any:
        """AWS Backup."""
        return self._client("backup")

    @property
    def is_production(self) -> bool:
        """Whether the tables of the stage are protected from deletion."""
        return self.stage == "prod"

    def role_arn(self, name: str) -> str:
        """Return the ARN of a role that the deployment has named."""
        partition, account = self._identity["Arn"].split(":")[1], self._identity["Account"]
        return f"arn:{partition}:iam::{account}:role/{self.named(name)}"

    def queue_arn(self, name: str) -> str:
        """Return the ARN of a queue."""
        answer = self.sqs.get_queue_attributes(
            QueueUrl=self.queue_url(name), AttributeNames=["QueueArn"]
        )
        return answer["Attributes"]["QueueArn"]

    def queue_url(self, name: str) -> str:
        return self.sqs.get_queue_url(QueueName=self.named(name))["QueueUrl"]

    def purge(self, queue: str) -> bool:
        """Delete all messages of a queue, which takes SQS a minute. False: it still deletes those
        of an earlier call, and refuses this one.
        """
        try:
            self.sqs.purge_queue(QueueUrl=self.queue_url(queue))
        except self.sqs.exceptions.PurgeQueueInProgress:
            return False
        return True

    @cached_property
    def _announced(self) -> boto3.Session:
        """The session. Its first use tells the user which deployment the command acts on, and
        whether its writers are stopped.
        """
        Screen().note(str(self))
        self.warn_if_stopped()
        return self.session

    def warn_if_stopped(self) -> None:
        """Tell the user if the writers are stopped: whoever stopped them may be gone."""
        try:
            scheduler = self.session.client("scheduler", config=CONFIG, endpoint_url=self._endpoint)
            stopped = scheduler.get_schedule(Name=self.named(WITNESS))["State"] == "DISABLED"
        except (ClientError, BotoCoreError):
            return  # whatever is wrong, the command itself meets it
        if stopped:
            Screen().note(
                "The writers are stopped: ops writers show. To start them: ops writers start "
                "--reason ...",
                "yellow",
            )

    def _client(self, service: str, config: Config = CONFIG) -> Any:
        return self._announced.client(service, config=config, endpoint_url=self._endpoint)  # type: ignore[call-overload]

    @property
    def _endpoint(self) -> str | None:
        return self.system.endpoint if self.system else None
