"""REST APIs: explicit routes, problem details, logs, throttling, tracing, an alarm on 5XX."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.catalog.routes import BURST_SECONDS, VERDICT_SECONDS, Route
from infra.constructs.alarms import Alarms
from infra.constructs.api_watch import LATENCY_PERIOD, PERCENTILE, access_log, watch, watch_latency
from infra.constructs.gateway_responses import PROBLEMS, shared_with
from infra.constructs.naming import pascal
from infra.stage import VPC_ENDPOINT, Deployment
from infra.wildcards import acknowledge
from trading.adapters.http.browsers import REQUEST_HEADERS

SECURITY_POLICY = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
_METHOD_OPTIONS: dict[str, Any] = {
    "metrics_enabled": False,
    "logging_level": apigateway.MethodLoggingLevel.ERROR,
    "data_trace_enabled": False,
}
"""Detailed metrics would be five custom metrics a route, and nobody reads them.

Settings of a single route replace those of the stage, so both need them."""
PREFLIGHT_LIFETIME = Duration.hours(2)
"""Chromium keeps the answer no longer. Firefox would keep it for a day."""
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "principal": "$context.authorizer.principalId",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integrationStatus",
    "errorType": "$context.error.responseType",
    "traceId": "$context.xrayTraceId",
}


class LoggingAccount(Construct):
    """Lets API Gateway write logs: a setting of the account and region, so that the last
    deployment's role is in use.
    """

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "ApiGatewayLogging")
        policy = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(policy)],
        )
        apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        acknowledge(
            role,
            {
                f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{policy}]": (
                    "AWS's own policy for this account setting; it is API Gateway's role, not one "
                    "of our functions'."
                )
            },
        )


class RestApi(Construct):
    """An API of the catalog. `add_routes` makes a resource for each path, without proxies. Pages of
    the `origins` may call it. With `sources`, it is called from these networks only, or through
    these VPC endpoints.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        name: str,
        description: str,
        alarms: Alarms,
        routes: Sequence[Route],
        origins: Sequence[str] = (),
        sources: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, f"{pascal(name)}Api")
        self._name = name
        self._routes = routes
        self._origins = origins
        self._alarms = alarms
        log = access_log(self, deployment, f"/aws/apigateway/{deployment.named(name)}-access")
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=deployment.named(name),
            description=description,
            endpoint_configuration=self._endpoint(sources),
            policy=_only_from(sources),
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=deployment.stage,
                throttling_rate_limit=deployment.requests_per_second,
                throttling_burst_limit=BURST_SECONDS * deployment.requests_per_second,
                tracing_enabled=True,
                **_METHOD_OPTIONS,
                method_options={
                    f"{route.path}/{route.method}": _limited_to(route.rate)
                    for route in routes
                    if route.rate and route.rate < deployment.requests_per_second
                },
                access_log_destination=apigateway.LogGroupLogDestination(log),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG)),
            ),
        )
        self._require_modern_tls()
        self._own_execution_log(deployment)
        for response_type, problem in PROBLEMS:
            self.api.add_gateway_response(
                pascal(response_type.response_type.lower()),
                type=response_type,
                status_code=str(problem.status),
                response_headers=problem.response_headers | shared_with(origins),
                templates={"application/json": problem.template},
            )
        self.failed = watch(self, alarms, name, self.api)
        acknowledge(
            self,
            {
                "AwsSolutions-APIG2": (
                    "Functions validate with the models that also make the OpenAPI document."
                ),
                "AwsSolutions-APIG3": (
                    "A web ACL is a running cost: a setting, which the stage prod has by default."
                ),
                "AwsSolutions-COG4": (
                    "Clients are programs with API keys and short-lived JWTs, not users of a pool."
                ),
            },
        )

    def _endpoint(self, sources: Sequence[str]) -> apigateway.EndpointConfiguration:
        endpoints = filter(VPC_ENDPOINT.fullmatch, sources)
        known = [
            ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
                self, endpoint, port=443, vpc_endpoint_id=endpoint
            )
            for endpoint in endpoints
        ]
        if not known:
            return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL])
        return apigateway.EndpointConfiguration(
            types=[apigateway.EndpointType.PRIVATE], vpc_endpoints=known
        )

    def _require_modern_tls(self) -> None:
        """TLS 1.2 or newer with forward secrecy. Without a policy, the API takes TLS 1.0 as well.

        STRICT: the name in the TLS handshake must be the API's own.
        """
        api = cast(apigateway.CfnRestApi, self.api.node.default_child)
        api.security_policy = SECURITY_POLICY
        api.endpoint_access_mode = "STRICT"

    def _own_execution_log(self, deployment: Deployment) -> None:
        """API Gateway would create this group by itself, kept for ever."""
        log_group = logs.LogGroup(
            self,
            "ExecutionLog",
            log_group_name=f"API-Gateway-Execution-Logs_{self.api.rest_api_id}/{deployment.stage}",
            retention=deployment.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.api.deployment_stage.node.add_dependency(log_group)

    def add_routes(
        self,
        functions: Mapping[str, lambda_.IFunction],
        authorizer: lambda_.IFunction | None = None,
    ) -> None:
        """Each route to its function, behind the authorizer unless it is signed."""
        guard = self._authorizer(authorizer) if authorizer else None
        integrations = {
            name: apigateway.LambdaIntegration(
                functions[name],
                allow_test_invoke=False,
                scope_permission_to_method=False,  # a stack has at most 500 resources
            )
            for name in {route.function: None for route in self._routes}
        }
        for route in self._routes:
            for name in route.methods:
                self._add_method(route, name, integrations[route.function], guard)
        self._watch_latency(functions)
        self._answer_preflights()

    def _add_method(
        self,
        route: Route,
        name: str,
        integration: apigateway.LambdaIntegration,
        guard: apigateway.RequestAuthorizer | None,
    ) -> None:
        method = self.api.root.resource_for_path(route.path).add_method(
            name,
            integration,
            authorizer=None if route.signed else guard,
            authorization_type=None if route.signed else apigateway.AuthorizationType.CUSTOM,
        )
        if route.signed:
            acknowledge(
                method,
                {
                    "AwsSolutions-APIG4": (
                        "The function authenticates: an HMAC signature over the request, or "
                        "the API key."
                    )
                },
            )

    def _answer_preflights(self) -> None:
        """OPTIONS of each path that pages may call. The gateway itself answers, so strangers cannot
        keep a function busy.
        """
        methods: dict[str, list[str]] = {}
        for route in self._routes:
            if self._origins:
                methods.setdefault(route.path, []).extend(route.methods)
        for path, allowed in methods.items():
            self.api.root.resource_for_path(path).add_cors_preflight(
                allow_origins=list(self._origins),
                allow_methods=allowed,
                allow_headers=list(REQUEST_HEADERS),
                max_age=PREFLIGHT_LIFETIME,
            )

    def _watch_latency(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """Watch the API, or if callers wait at some routes, the functions of the others."""
        if not any(route.waits for route in self._routes):
            latency = self.api.metric_latency(period=LATENCY_PERIOD, statistic=PERCENTILE)
            watch_latency(self, self._alarms, f"The {self._name} API", latency)
            return
        for name in sorted({route.function for route in self._routes if not route.waits}):
            duration = functions[name].metric_duration(period=LATENCY_PERIOD, statistic=PERCENTILE)
            watch_latency(self, self._alarms, f"The function {name}", duration, pascal(name))

    def _authorizer(self, function: lambda_.IFunction) -> apigateway.RequestAuthorizer:
        return apigateway.RequestAuthorizer(
            self,
            "Authorizer",
            handler=function,
            identity_sources=[apigateway.IdentitySource.header("Authorization")],
            results_cache_ttl=Duration.seconds(VERDICT_SECONDS[self._name]),
        )


def _only_from(sources: Sequence[str]) -> iam.PolicyDocument | None:
    """A policy that denies all others.

    An authorizer's Allow counts as much as the policy's. So the sources need a Deny for the others:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
    """
    if not sources:
        return None
    is_private = any(map(VPC_ENDPOINT.fullmatch, sources))
    others = (
        {"StringNotEquals": {"aws:SourceVpce": list(sources)}}
        if is_private
        else {"NotIpAddress": {"aws:SourceIp": list(sources)}}
    )
    invoking: dict[str, Any] = {
        "principals": [iam.AnyPrincipal()],
        "actions": ["execute-api:Invoke"],
        "resources": ["execute-api:/*"],
    }
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(**invoking),
            iam.PolicyStatement(effect=iam.Effect.DENY, conditions=others, **invoking),
        ]
    )


def _limited_to(rate: int) -> apigateway.MethodDeploymentOptions:
    return apigateway.MethodDeploymentOptions(
        throttling_rate_limit=rate, throttling_burst_limit=BURST_SECONDS * rate, **_METHOD_OPTIONS
    )
