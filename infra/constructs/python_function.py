"""Functions and their layers."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.bytecode import PYTHON, compiled
from infra.catalog.functions import FunctionSpec
from infra.catalog.grants import ATTRIBUTES, GRANTS
from infra.catalog.loops import looping_functions
from infra.constructs.naming import dashed, pascal
from infra.constructs.permissions import Arns, service_of_this_account, statements
from infra.constructs.releases import Releases
from infra.environment import environment
from infra.stage import ROOT, Deployment
from infra.wildcards import acknowledge, acknowledge_any_resource
from trading.metrics import METRICS_NAMESPACE

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64
_STAGING = ROOT / "build" / "code"


def source_layer(scope: Construct, deployment: Deployment, name: str) -> lambda_.LayerVersion:
    """A layer of our own code, compiled."""
    return _layer(scope, name, _staged(deployment, ROOT / "layers" / name, ".", "/opt"))


def dependencies_layer(
    scope: Construct, deployment: Deployment, name: str = "dependencies"
) -> lambda_.LayerVersion:
    """A layer of locked packages: `dependencies`, which all functions have, or `signatures`. Raises
    FileNotFoundError if it has not been built.
    """
    directory = deployment.layers_dir / deployment.layers / name
    if not directory.is_dir():
        raise FileNotFoundError(
            f"{directory} is missing: run `python -m local.layers {deployment.layers}` first"
        )
    return _layer(scope, name, directory)


def _layer(scope: Construct, name: str, directory: Path) -> lambda_.LayerVersion:
    return lambda_.LayerVersion(
        scope,
        f"{pascal(name)}Layer",
        code=lambda_.Code.from_asset(str(directory)),
        compatible_runtimes=[RUNTIME],
        compatible_architectures=[ARCHITECTURE],
        removal_policy=RemovalPolicy.DESTROY,
    )


class PythonFunction(lambda_.Function):
    """A function of the catalog, with its own role, its own log group and its grants.

    Its environment has those of `variables` that its settings read. `live` is what others call: the
    function itself, or the alias of its releases. `watched`: alarms that roll a release back.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        name: str,
        spec: FunctionSpec,
        *,
        layers: Sequence[lambda_.ILayerVersion],
        variables: Mapping[str, str],
        arns: Arns,
        undelivered: sqs.IQueue,
        releases: Releases | None = None,
        watched: Sequence[cloudwatch.IAlarm] = (),
    ) -> None:
        function_name = deployment.named(dashed(name))
        reserved = spec.reserved if deployment.reserves_concurrency else None
        log_group = logs.LogGroup(
            scope,
            f"{pascal(name)}Logs",
            log_group_name=f"/aws/lambda/{function_name}",
            retention=deployment.log_retention,
            removal_policy=deployment.removal_policy,
        )
        role = iam.Role(
            scope, f"{pascal(name)}Role", assumed_by=service_of_this_account("lambda.amazonaws.com")
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[log_group.log_group_arn],
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"]
            )
        )
        for statement in statements(GRANTS[name], arns, ATTRIBUTES.get(name, {})):
            role.add_to_policy(statement)
        if spec.asynchronous:
            role.add_to_policy(
                iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[undelivered.queue_arn])
            )
        super().__init__(
            scope,
            pascal(name),
            function_name=function_name,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            code=_code(deployment, name),
            handler=f"functions.{name}.handler.handler",
            # Constructs of triggers and destinations would add permissions that nothing needs.
            role=role.without_policy_updates(),
            log_group=log_group,
            # Without WARN, Lambda adds three lines to each invocation. A time-out is a warning.
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            layers=list(layers),
            timeout=Duration.seconds(spec.timeout),
            memory_size=spec.memory,
            # Lambda stops a chain of about 16 invocations. A settlement may need more.
            recursive_loop=lambda_.RecursiveLoop.ALLOW if name in looping_functions() else None,
            reserved_concurrent_executions=reserved,
            tracing=lambda_.Tracing.ACTIVE,
            environment=environment(
                name,
                {
                    **variables,
                    "STAGE": deployment.stage,
                    "LOG_LEVEL": lambda_.ApplicationLogLevel.INFO.value,
                    "POWERTOOLS_SERVICE_NAME": name,
                    "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
                },
            ),
            # An operator must be able to go back to an old version.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )
        self.live: lambda_.IFunction = releases.alias(self, name, watched) if releases else self
        if spec.asynchronous:
            self.live.configure_async_invoke(
                max_event_age=Duration.hours(1),
                retry_attempts=2,
                on_failure=destinations.SqsDestination(undelivered),
            )
        self.node.add_dependency(role)
        self.own_role = role
        self.reserved = reserved
        acknowledge_any_resource(role)
        acknowledge(
            self,
            {
                "AwsSolutions-L1": (
                    "The dependencies layer is built for Python 3.13, the version the tests vouch "
                    "for."
                )
            },
        )


def _code(deployment: Deployment, name: str) -> lambda_.AssetCode:
    """The function's own directory, at its path in the repository.
    Imports are the same everywhere.
    """
    directory = ROOT / "functions" / name
    if not (directory / "handler.py").is_file():
        raise FileNotFoundError(f"functions/{name}/handler.py is missing")
    staged = _staged(deployment, directory, f"functions/{name}", "/var/task")
    return lambda_.Code.from_asset(str(staged))


def _staged(deployment: Deployment, sources: Path, under: str, mounted_at: str) -> Path:
    """Sources with the bytecode of the Python that will run them."""
    version = PYTHON if deployment.layers == "aws" else "{}.{}".format(*sys.version_info)
    return compiled(sources, under, version, mounted_at, _STAGING)
