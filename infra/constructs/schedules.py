"""Schedules of EventBridge Scheduler. The role of each may only invoke its target."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.constructs.naming import pascal
from infra.constructs.permissions import service_of_this_account
from infra.stage import Deployment


class Schedules(Construct):
    """Schedules whose undeliverable invocations go to one dead-letter queue."""

    def __init__(self, scope: Construct, deployment: Deployment, dead_letters: sqs.IQueue) -> None:
        super().__init__(scope, "Schedules")
        self._deployment = deployment
        self._dead_letters = dead_letters

    def invoke(
        self,
        name: str,
        schedule: scheduler.ScheduleExpression,
        function: lambda_.IFunction,
        payload: dict[str, str] | None = None,
        max_age: Duration | None = None,
    ) -> None:
        """Invoke a function asynchronously.

        By default its event is `{"scheduled_time"}`, the same at each attempt. An invocation that
        is later than `max_age`, by default one hour, is dropped.
        """
        role = self._role(name, "lambda:InvokeFunction", function.function_arn)
        target = targets.LambdaInvoke(
            function,
            input=scheduler.ScheduleTargetInput.from_object(
                payload or {"scheduled_time": scheduler.ContextAttribute.scheduled_time}
            ),
            role=role,
            dead_letter_queue=self._dead_letters,
            max_event_age=max_age or Duration.hours(1),
            retry_attempts=10,
        )
        self._add(name, schedule, target)

    def start(
        self, name: str, schedule: scheduler.ScheduleExpression, state_machine: sfn.IStateMachine
    ) -> None:
        """Start an execution with an empty input."""
        role = self._role(name, "states:StartExecution", state_machine.state_machine_arn)
        target = targets.StepFunctionsStartExecution(
            state_machine,
            input=scheduler.ScheduleTargetInput.from_object({}),
            role=role,
            dead_letter_queue=self._dead_letters,
            max_event_age=Duration.hours(1),
            retry_attempts=10,
        )
        self._add(name, schedule, target)

    def _role(self, name: str, action: str, arn: str) -> iam.IRole:
        role = iam.Role(
            self,
            f"{pascal(name)}Role",
            assumed_by=service_of_this_account("scheduler.amazonaws.com"),
        )
        role.add_to_policy(iam.PolicyStatement(actions=[action], resources=[arn]))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sqs:SendMessage"], resources=[self._dead_letters.queue_arn]
            )
        )
        # The target would grant itself every version of the function as well.
        return role.without_policy_updates()

    def _add(
        self, name: str, schedule: scheduler.ScheduleExpression, target: scheduler.IScheduleTarget
    ) -> None:
        scheduler.Schedule(
            self,
            pascal(name),
            schedule_name=self._deployment.named(name),
            schedule=schedule,
            target=target,
            time_window=scheduler.TimeWindow.off(),
        )
