"""The stream: the WebSocket API of clients, and the functions that serve it."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.catalog.functions import SERVICES
from infra.catalog.routes import STREAM_STAGE
from infra.constructs.naming import dashed, pascal
from infra.constructs.permissions import function_arn
from infra.constructs.python_function import PythonFunction, dependencies_layer, source_layer
from infra.constructs.releases import Releases
from infra.constructs.websocket_api import WebSocketApi
from infra.services import ServicesStack
from infra.stage import Deployment
from infra.stateful import StatefulStack
from infra.wildcards import ANY_CONNECTION, acknowledge

TABLES = ("accounts", "connections", "control", "events")


class StreamStack(Stack):
    """The WebSocket API and its functions. With them, the stack of the services would be too large.

    The stack of the services has the authorizer. This stack refers to it by name. A permission in
    the other stack would need the API of this one, so each stack would need the other.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        stateful: StatefulStack,
        services: ServicesStack,
    ) -> None:
        super().__init__(
            scope,
            deployment.named("stream"),
            description="Trading: events to connected clients",
            termination_protection=deployment.is_production,
        )
        self._deployment = deployment
        self._stateful = stateful
        # The stack of the services has the authorizer. CDK deploys it after the stack that reads
        # the queue of events, to which the functions of this stack send.
        self.add_stack_dependency(services)
        self._layers = [
            dependencies_layer(self, deployment),
            source_layer(self, deployment, "trading"),
        ]
        releases = (
            Releases(self, deployment, "stream", stateful.alarms)
            if deployment.is_production
            else None
        )
        front = self._function("stream", {}, {}, releases)
        authorizer = lambda_.Function.from_function_attributes(
            self,
            "ClientAuthorizer",
            function_arn=function_arn(self, deployment.called(dashed("authorizer"))),
            same_environment=True,
        )
        stream = WebSocketApi(self, deployment, "stream", stateful.alarms, front.live, authorizer)
        sockets = self.format_arn(
            service="execute-api",
            resource=stream.api.api_id,
            resource_name=f"{STREAM_STAGE}/*/@connections/*",
        )
        push = self._function(
            "push",
            {"STREAM_API_ID": stream.api.api_id, "STREAM_API_STAGE": STREAM_STAGE},
            {"sockets/stream": [sockets]},
            releases,
        )
        acknowledge(
            push.own_role,
            {
                (
                    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:"
                    f"<AWS::AccountId>:<{stream.logical_id}>/"
                    f"{STREAM_STAGE}/*/@connections/*]"
                ): ANY_CONNECTION
            },
        )
        CfnOutput(self, "StreamApiId", value=stream.api.api_id)
        CfnOutput(self, "StreamUrl", value=stream.url)
        for name, function in {"stream": front, "push": push}.items():
            CfnOutput(self, f"{pascal(name)}Function", value=function.function_name)

    def _function(
        self,
        name: str,
        variables: dict[str, str],
        arns: dict[str, list[str]],
        releases: Releases | None,
    ) -> PythonFunction:
        stateful, queue = self._stateful, self._stateful.events.queue
        return PythonFunction(
            self,
            self._deployment,
            name,
            SERVICES[name],
            layers=self._layers,
            variables={
                **{f"{each.upper()}_TABLE": stateful.tables[each].table_name for each in TABLES},
                "EVENTS_QUEUE_URL": queue.queue_url,
                "PUSH_FUNCTION": self._deployment.called("push"),
                **variables,
            },
            arns={
                **{f"tables/{each}": [stateful.tables[each].table_arn] for each in TABLES},
                "queues/events": [queue.queue_arn],
                "functions/push": [function_arn(self, self._deployment.called("push"))],
                **arns,
            },
            undelivered=stateful.failed_invocations,
            releases=releases,
        )
