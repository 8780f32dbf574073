"""Alarms, and the topics that they notify."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.catalog.alarms import Notice, Severity
from infra.stage import Deployment

OLDEST_MESSAGE_SECONDS = 300


class Alarms(Construct):
    """The topics that operators subscribe to, and the ways to raise an alarm on them.

    An alarm notifies the topic of its severity when it goes off, and again when it is over.
    """

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
        self.topics = {
            severity: self._topic(deployment, severity, key, cloudwatch_service)
            for severity in Severity
        }

    def _topic(
        self,
        deployment: Deployment,
        severity: Severity,
        key: kms.IKey,
        cloudwatch_service: iam.ServicePrincipal,
    ) -> sns.Topic:
        topic = sns.Topic(
            self,
            severity.capitalize(),
            topic_name=deployment.named(f"alarms-{severity}"),
            master_key=key,
            enforce_ssl=True,
        )
        # A topic with a policy of its own (SSL only) has lost the default one, which let the
        # account publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[cloudwatch_service],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
            )
        )
        return topic

    def when(
        self,
        scope: Construct,
        name: str,
        metric: cloudwatch.IMetric,
        above: float,
        notice: Notice,
        *,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
        periods: int = 1,
    ) -> cloudwatch.Alarm:
        """Raise an alarm whenever the metric is above a threshold for a number of periods."""
        return self._notify(
            notice,
            cloudwatch.Alarm(
                scope,
                name,
                metric=metric,
                threshold=above,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                evaluation_periods=periods,
                treat_missing_data=missing,
                alarm_description=notice.text,
            ),
        )

    def when_silent(
        self, scope: Construct, name: str, metric: cloudwatch.IMetric, periods: int, notice: Notice
    ) -> None:
        """Raise an alarm when the metric has counted nothing for this number of periods."""
        self._notify(
            notice,
            cloudwatch.Alarm(
                scope,
                name,
                metric=metric,
                threshold=1,
                comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                evaluation_periods=periods,
                treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
                alarm_description=notice.text,
            ),
        )

    def when_not_empty(
        self, scope: Construct, name: str, dead_letters: sqs.IQueue, what: str
    ) -> cloudwatch.Alarm:
        """Raise an alarm as soon as a dead-letter queue holds a message."""
        metric = dead_letters.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(1), statistic=cloudwatch.Stats.MAXIMUM
        )
        return self.when(scope, name, metric, 0, Notice(what, "dead-letters"))

    def when_late(self, scope: Construct, name: str, mailbox: sqs.IQueue, what: str) -> None:
        """Raise an alarm when a message waits for too long."""
        metric = mailbox.metric_approximate_age_of_oldest_message(
            period=Duration.minutes(1), statistic=cloudwatch.Stats.MAXIMUM
        )
        self.when(scope, name, metric, OLDEST_MESSAGE_SECONDS, Notice(what, "late-messages"))

    def _notify(self, notice: Notice, alarm: cloudwatch.Alarm) -> cloudwatch.Alarm:
        action = actions.SnsAction(self.topics[notice.severity])
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        return alarm
