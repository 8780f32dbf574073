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
from infra.catalog.names import EXPRESS, WORKFLOW_LOGS
from infra.constructs.alarms import Alarms
from infra.constructs.naming import pascal
from infra.constructs.permissions import service_of_this_account
from infra.stage import ROOT, Deployment
from infra.wildcards import acknowledge, acknowledge_any_resource


class Workflow(Construct):
    """A workflow. It may do what `statements` say, and no more.

    `section`: where the runbook says what to do about a failed execution. `express`: executions
    last minutes at most, and Step Functions keeps no history of them. A workflow whose type changes
    needs another name, because CloudFormation creates the new one before it deletes the old one.

    Only errors are logged: a log of every event would cost more than the executions. Step Functions
    keeps the history of a Standard execution for 90 days. So only the log of an Express workflow
    includes the execution data.
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
        express: bool = False,
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
        self.log = logs.LogGroup(
            self,
            "Log",
            log_group_name=WORKFLOW_LOGS + deployment.named(name),
            retention=deployment.log_retention,
            removal_policy=deployment.removal_policy,
        )
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=deployment.named(name + EXPRESS if express else name),
            state_machine_type=(
                sfn.StateMachineType.EXPRESS if express else sfn.StateMachineType.STANDARD
            ),
            definition_body=sfn.DefinitionBody.from_file(
                str(ROOT / "infra" / "workflows" / f"{name.replace('-', '_')}.asl.json")
            ),
            definition_substitutions=substitutions,
            role=self.role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=self.log, level=sfn.LogLevel.ERROR, include_execution_data=express
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
                    "Errors only: a log of every event costs more than the executions. Step "
                    "Functions keeps the history of Standard executions for 90 days."
                )
            },
        )
