"""The API that exchanges call back: an HTTP API, which costs less than a REST API.

It has no web ACL, no gateway responses of ours, no resource policy and no traces. So it suits only
programs that sign their requests, and no browsers.
"""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.catalog.routes import Route
from infra.constructs.alarms import Alarms
from infra.constructs.api_watch import (
    LATENCY_PERIOD,
    PERCENTILE,
    access_log,
    limits_of,
    log_accesses,
    watch,
    watch_latency,
)
from infra.constructs.naming import pascal
from infra.stage import Deployment
from infra.wildcards import acknowledge

ACCESS_LOGS = "/aws/vendedlogs/apigateway/"
"""The prefix of the log groups.

With it, log deliveries to many groups fit into one resource policy of CloudWatch, which is limited
in size.
"""
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "route": "$context.routeKey",
    "status": "$context.status",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integrationStatus",
    "errorType": "$context.error.responseType",
}


class HttpApi(Construct):
    """An HTTP API of the catalog. Requests to all of its routes are signed.

    It has a rate limit of its own. Its functions get the events of a REST API (payload format 1.0).
    It has only the default stage. So its URL ends with the host, and the caller signs the path that
    the function sees.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        name: str,
        description: str,
        alarms: Alarms,
        routes: Sequence[Route],
    ) -> None:
        super().__init__(scope, f"{pascal(name)}Api")
        self._routes = routes
        log = access_log(self, deployment, f"{ACCESS_LOGS}{deployment.named(name)}")
        self.api = apigateway.HttpApi(
            self,
            "Api",
            api_name=deployment.named(name),
            description=description,
            create_default_stage=False,
        )
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            auto_deploy=True,
            throttle=limits_of(deployment),
        )
        log_accesses(stage, log, _ACCESS_LOG)
        self.url = stage.url
        self.failed = watch(self, alarms, name, self.api)
        latency = self.api.metric_latency(period=LATENCY_PERIOD, statistic=PERCENTILE)
        watch_latency(self, alarms, f"The {name} API", latency)

    def add_routes(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """Send the requests of each route to its function, which checks the signature."""
        for route in self._routes:
            added = self.api.add_routes(
                path=route.path,
                methods=[apigateway.HttpMethod(route.method)],
                integration=integrations.HttpLambdaIntegration(
                    pascal(route.function),
                    functions[route.function],
                    payload_format_version=apigateway.PayloadFormatVersion.VERSION_1_0,
                ),
            )
            for each in added:
                acknowledge(
                    each,
                    {
                        "AwsSolutions-APIG4": (
                            "The function authenticates: an HMAC signature over the request."
                        )
                    },
                )
