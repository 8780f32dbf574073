"""Step Functions workflows: a definition from infra/workflows, a role of its own, logs, tracing,
alarms.
"""

from collections.abc import Mapping, Sequence

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.catalog.alarms import Notice
from infra.constructs.alarms import Alarms
from infra.constructs.naming import pascal
from infra.constructs.permissions import service_of_this_account
from infra.stage import ROOT, Deployment
from infra.wildcards import acknowledge, acknowledge_any_resource


class Workflow(Construct):
    """A Standard workflow. It may do what `statements` say, and no more.

    `section`: where the runbook says what to do about a failed execution.

    Logs are errors only, without data: Step Functions keeps each execution's whole history for 90
    days by itself, and logging every event would cost more than the transitions.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        name: str,
        *,
        substitutions: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
        alarms: Alarms,
        section: str,
    ) -> None:
        super().__init__(scope, pascal(name))
        machines = Stack.of(self).format_arn(
            service="states",
            resource="stateMachine",
            resource_name="*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self.role = iam.Role(
            self, "Role", assumed_by=service_of_this_account("states.amazonaws.com", machines)
        )
        for statement in statements:
            self.role.add_to_policy(statement)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=deployment.named(name),
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_file(
                str(ROOT / "infra" / "workflows" / f"{name.replace('-', '_')}.asl.json")
            ),
            definition_substitutions=substitutions,
            role=self.role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Log",
                    log_group_name=f"/aws/vendedlogs/states/{deployment.named(name)}",
                    retention=deployment.log_retention,
                    removal_policy=deployment.removal_policy,
                ),
                level=sfn.LogLevel.ERROR,
                include_execution_data=False,
            ),
        )
        minute, total = Duration.minutes(1), cloudwatch.Stats.SUM
        failed = self.state_machine.metric_failed(period=minute, statistic=total)
        timed_out = self.state_machine.metric_timed_out(period=minute, statistic=total)
        alarms.when(
            self, "ExecutionsFailed", failed, 0, Notice(f"An execution of {name} failed", section)
        )
        alarms.when(
            self,
            "ExecutionsTimedOut",
            timed_out,
            0,
            Notice(f"An execution of {name} timed out", section),
        )
        acknowledge_any_resource(self.role)
        acknowledge(
            self.state_machine,
            {
                "AwsSolutions-SF1": (
                    "Errors only: the full history of every execution is kept by Step Functions "
                    "for 90 days."
                )
            },
        )
