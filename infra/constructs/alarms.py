"""Alarms, all to one topic."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.stage import Deployment

OLDEST_MESSAGE_SECONDS = 300


class Alarms(Construct):
    """The topic that operators subscribe to, and the ways to raise an alarm on it."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(scope, "Alarms")
        cloudwatch_service = iam.ServicePrincipal(
            "cloudwatch.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
        # CloudWatch cannot publish to a topic under the AWS managed key: its policy does not name
        # CloudWatch.
        key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=RemovalPolicy.DESTROY)
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[cloudwatch_service],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
            )
        )
        self.topic = sns.Topic(
            self, "Topic", topic_name=deployment.named("alarms"), master_key=key, enforce_ssl=True
        )
        # A topic with a policy of its own (SSL only) has lost the default one, which let the
        # account publish.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[cloudwatch_service],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
            )
        )

    def when(
        self,
        scope: Construct,
        name: str,
        metric: cloudwatch.IMetric,
        above: float,
        description: str,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        """Raise an alarm whenever the metric is above a threshold for one period."""
        alarm = cloudwatch.Alarm(
            scope,
            name,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=missing,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        return alarm

    def when_silent(
        self,
        scope: Construct,
        name: str,
        metric: cloudwatch.IMetric,
        periods: int,
        description: str,
    ) -> None:
        """Raise an alarm when the metric has counted nothing for this number of periods."""
        alarm = cloudwatch.Alarm(
            scope,
            name,
            metric=metric,
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))

    def when_not_empty(
        self, scope: Construct, name: str, dead_letters: sqs.IQueue, description: str
    ) -> cloudwatch.Alarm:
        """Raise an alarm as soon as a dead-letter queue holds a message."""
        metric = dead_letters.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(1), statistic=cloudwatch.Stats.MAXIMUM
        )
        return self.when(scope, name, metric, 0, description)

    def when_late(self, scope: Construct, name: str, mailbox: sqs.IQueue, description: str) -> None:
        """Raise an alarm when a message waits for too long."""
        metric = mailbox.metric_approximate_age_of_oldest_message(
            period=Duration.minutes(1), statistic=cloudwatch.Stats.MAXIMUM
        )
        self.when(scope, name, metric, OLDEST_MESSAGE_SECONDS, description)
