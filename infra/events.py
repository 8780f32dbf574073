"""The functions that carry events, and the streams and the queue that invoke them."""

from collections.abc import Mapping

from aws_cdk import Aws, CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct

from infra.catalog.functions import OF_EVENTS, SERVICES
from infra.catalog.tables import STREAMED
from infra.constructs.naming import pascal
from infra.constructs.permissions import function_arn
from infra.constructs.python_function import PythonFunction, dependencies_layer, source_layer
from infra.constructs.releases import Releases
from infra.stage import Deployment
from infra.stateful import StatefulStack
from infra.wildcards import ANY_STREAM, acknowledge
from trading.adapters.dynamodb.names import EVENT_ATTRIBUTE

STREAM_BATCH = 100
LOG_BATCH = 10
LOG_CONCURRENCY = 50
"""A backlog of events leaves the rest of the account's concurrency to trading."""
LONGEST_IN_STREAM = Duration.hours(23)
"""Before the stream forgets a record, so that its position is still told."""
REPORTED_AS = ("<AWS::Partition>", "<AWS::Region>", "<AWS::AccountId>")
"""How cdk-nag names what is known at the deployment only."""


class EventsStack(Stack):
    """The functions that carry events. The stack of the services would be too large with them."""

    def __init__(self, scope: Construct, deployment: Deployment, stateful: StatefulStack) -> None:
        super().__init__(
            scope,
            deployment.named("events"),
            description="Trading: events of the tables' streams",
            termination_protection=deployment.is_production,
        )
        layers = [dependencies_layer(self, deployment), source_layer(self, deployment, "trading")]
        events = stateful.events
        variables = {
            "EVENT_BUS": events.bus.event_bus_name,
            "EVENTS_QUEUE_URL": events.queue.queue_url,
            "EVENTS_DLQ_URL": events.dead_letters.queue_url,
            "EVENTS_TABLE": stateful.tables["events"].table_name,
            "CONNECTIONS_TABLE": stateful.tables["connections"].table_name,
            "PUSH_FUNCTION": deployment.called("push"),
        }
        arns = {
            **{f"streams/{name}": [_any_stream_of(deployment, name)] for name in STREAMED},
            "buses/events": [events.bus.event_bus_arn],
            "queues/events": [events.queue.queue_arn],
            "dlqs/events": [events.dead_letters.queue_arn],
            "tables/events": [stateful.tables["events"].table_arn],
            "tables/connections": [stateful.tables["connections"].table_arn],
            "functions/push": [function_arn(self, deployment.called("push"))],
        }
        releases = (
            Releases(self, deployment, "events", stateful.alarms)
            if deployment.is_production
            else None
        )
        functions = {
            name: PythonFunction(
                self,
                deployment,
                name,
                SERVICES[name],
                layers=layers,
                variables=variables,
                arns=arns,
                undelivered=stateful.failed_invocations,
                releases=releases,
                watched=[events.given_up],
            )
            for name in OF_EVENTS
        }
        _follow(functions, stateful, deployment)
        for name, function in functions.items():
            CfnOutput(self, f"{pascal(name)}Function", value=function.function_name)


def _follow(
    functions: Mapping[str, PythonFunction],
    stateful: StatefulStack,
    deployment: Deployment,
) -> None:
    """Connect the streams with the publisher, and the queue with the log.

    A filter leaves out records without an event, which costs nothing. A batch that fails is
    repeated until its records are a day old: a stream keeps them no longer. Then the dead-letter
    queue gets their positions in the stream, without their content.
    """
    publisher = functions["event_publisher"]
    # DynamoDB knows no permission to list the streams of one table only.
    publisher.own_role.add_to_policy(
        iam.PolicyStatement(actions=["dynamodb:ListStreams"], resources=["*"])
    )
    acknowledge(
        publisher.own_role,
        {
            f"AwsSolutions-IAM5[Resource::{stream}]": ANY_STREAM
            for stream in (_any_stream(deployment, name, *REPORTED_AS) for name in STREAMED)
        },
    )
    for name in STREAMED:
        publisher.live.add_event_source(
            event_sources.DynamoEventSource(
                stateful.tables[name],
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=STREAM_BATCH,
                max_record_age=LONGEST_IN_STREAM,
                bisect_batch_on_error=True,
                on_failure=event_sources.SqsDlq(stateful.events.dead_letters),
                filters=[
                    lambda_.FilterCriteria.filter(
                        {
                            "dynamodb": {
                                "NewImage": {EVENT_ATTRIBUTE: {"S": lambda_.FilterRule.exists()}}
                            }
                        }
                    )
                ],
            )
        )
    functions["event_log"].live.add_event_source(
        event_sources.SqsEventSource(
            stateful.events.queue,
            batch_size=LOG_BATCH,
            max_concurrency=LOG_CONCURRENCY,
            report_batch_item_failures=True,
        )
    )


def _any_stream_of(deployment: Deployment, table: str) -> str:
    """The ARN of a table's stream, whichever it has now: a restored table has another one."""
    return _any_stream(deployment, table, Aws.PARTITION, Aws.REGION, Aws.ACCOUNT_ID)


def _any_stream(
    deployment: Deployment, table: str, partition: str, region: str, account: str
) -> str:
    name = deployment.named(table)
    return f"arn:{partition}:dynamodb:{region}:{account}:table/{name}/stream/*"
