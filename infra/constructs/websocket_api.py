"""The WebSocket API of the stream."""

from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.catalog.alarms import Notice
from infra.catalog.routes import STREAM_STAGE
from infra.constructs.alarms import Alarms
from infra.constructs.api_watch import access_log, limits_of, log_accesses
from infra.constructs.http_api import ACCESS_LOGS
from infra.constructs.naming import pascal
from infra.stage import Deployment
from infra.wildcards import acknowledge

_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "principal": "$context.authorizer.principalId",
    "event": "$context.eventType",
    "connectionId": "$context.connectionId",
    "status": "$context.status",
    "integrationLatency": "$context.integrationLatency",
    "errorType": "$context.error.responseType",
}


class WebSocketApi(Construct):
    """A WebSocket API whose function handles handshakes, messages and the end of connections.

    The authorizer checks the token at the handshake. API Gateway sends the authorizer's result with
    each event of the connection. The URL of the API ends with the stage, which is `stream`.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        name: str,
        alarms: Alarms,
        function: lambda_.IFunction,
        authorizer: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, f"{pascal(name)}Api")
        integration = integrations.WebSocketLambdaIntegration("Function", function)
        # No identity source: API Gateway refuses a handshake that lacks one, and browsers send the
        # token in another header than other clients.
        guard = authorizers.WebSocketLambdaAuthorizer("Authorizer", authorizer, identity_source=[])
        self.api = apigateway.WebSocketApi(
            self,
            "Api",
            api_name=deployment.named(name),
            description="Trading: events to connected clients",
            connect_route_options=apigateway.WebSocketRouteOptions(
                integration=integration, authorizer=guard
            ),
            disconnect_route_options=apigateway.WebSocketRouteOptions(integration=integration),
            default_route_options=apigateway.WebSocketRouteOptions(
                integration=integration, return_response=True
            ),
        )
        log = access_log(self, deployment, f"{ACCESS_LOGS}{deployment.named(name)}")
        stage = apigateway.WebSocketStage(
            self,
            "Stage",
            web_socket_api=self.api,
            stage_name=STREAM_STAGE,
            auto_deploy=True,
            throttle=limits_of(deployment),
        )
        log_accesses(stage, log, _ACCESS_LOG)
        self.url = stage.url
        self.logical_id = self.api.stack.get_logical_id(
            cast(apigateway.CfnApi, self.api.node.default_child)
        )
        """The logical id of the API in the template."""
        self.failed = self._watch(alarms, name)
        acknowledge(
            self,
            {
                "AwsSolutions-APIG4": (
                    "A WebSocket API authorizes the handshake. Without it, there is no connection "
                    "that could send anything."
                )
            },
        )

    def _watch(self, alarms: Alarms, name: str) -> cloudwatch.Alarm:
        """Raise an alarm if API Gateway cannot call the function.

        The metric IntegrationError would also count each handshake that the function refuses.
        """
        errors = cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name="ExecutionError",
            dimensions_map={"ApiId": self.api.api_id, "Stage": STREAM_STAGE},
            period=Duration.minutes(1),
            statistic=cloudwatch.Stats.SUM,
        )
        notice = Notice(f"The {name} API could not call its function", "errors-of-an-api")
        return alarms.when(self, "ExecutionErrors", errors, 0, notice)
