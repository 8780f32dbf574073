"""Releases of functions: a version, the alias that all call, and a canary that rolls back."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.catalog.alarms import Notice
from infra.catalog.names import LIVE
from infra.constructs.alarms import Alarms
from infra.constructs.naming import pascal
from infra.constructs.permissions import service_of_this_account
from infra.stage import Deployment
from infra.wildcards import acknowledge_any_resource

CANARY = codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES


class Releases(Construct):
    """The releases of the functions of one stack. Production alone has them.

    CodeDeploy sends a tenth of the invocations to a new version for five minutes, then all. If an
    alarm goes off meanwhile, it sends all of them to the previous version again. The local AWS
    knows no AWS::CodeDeploy types.
    """

    def __init__(self, scope: Construct, deployment: Deployment, part: str, alarms: Alarms) -> None:
        super().__init__(scope, "Releases")
        self._alarms = alarms
        self._application = codedeploy.LambdaApplication(
            self, "Application", application_name=deployment.named(part)
        )
        self._role = iam.Role(
            self,
            "Role",
            assumed_by=service_of_this_account("codedeploy.amazonaws.com"),
        )
        self._role.add_to_policy(
            iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"])
        )
        acknowledge_any_resource(self._role)

    def alias(
        self, function: lambda_.Function, name: str, watched: Sequence[cloudwatch.IAlarm]
    ) -> lambda_.Alias:
        """The alias `live` of a function. A new version is rolled back when it fails, or when one
        of the `watched` alarms goes off.

        They see what Lambda does not count as an error: a handler that answers 500, and a worker
        that gives up a message.
        """
        version = function.current_version
        alias = lambda_.Alias(self, f"{pascal(name)}Live", alias_name=LIVE, version=version)
        self._role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "lambda:GetAlias",
                    "lambda:GetProvisionedConcurrencyConfig",
                    "lambda:UpdateAlias",
                ],
                resources=[function.function_arn, f"{function.function_arn}:{LIVE}"],
            )
        )
        failed = self._alarms.when(
            self,
            f"{pascal(name)}Failed",
            _errors(function, version),
            0,
            Notice(f"The newest version of {name} failed", "functions"),
        )
        codedeploy.LambdaDeploymentGroup(
            self,
            f"{pascal(name)}Group",
            application=self._application,
            deployment_group_name=name.replace("_", "-"),
            alias=alias,
            deployment_config=CANARY,
            role=self._role.without_policy_updates(),
            alarms=[failed, *watched],
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )
        return alias


def _errors(function: lambda_.Function, version: lambda_.IVersion) -> cloudwatch.Metric:
    """Failed invocations of this version through the alias. Other versions do not count."""
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name="Errors",
        dimensions_map={
            "FunctionName": function.function_name,
            "Resource": f"{function.function_name}:{LIVE}",
            "ExecutedVersion": version.version,
        },
        period=Duration.minutes(1),
        statistic=cloudwatch.Stats.SUM,
    )
