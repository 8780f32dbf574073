"""Backups of the tables that cannot be rebuilt, with a copy of each in another region.

Production alone has these stacks. The local AWS knows no AWS::Backup::BackupSelection.
"""

from collections.abc import Mapping

from aws_cdk import ArnFormat, Aws, Duration, Environment, RemovalPolicy, Stack, TimeZone
from aws_cdk import aws_backup as backup
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.catalog.alarms import Notice
from infra.catalog.tables import TABLES
from infra.constructs.alarms import Alarms
from infra.stage import Deployment
from infra.stateful import StatefulStack
from infra.wildcards import acknowledge

KEPT_HOURLY = Duration.days(7)
KEPT_NIGHTLY = Duration.days(365)
NIGHTLY_AT_HOUR = 22
"""In New York. Both settlement cycles are over, and the exchanges are closed."""
LOCKED_FOR = Duration.days(7)
CHANGEABLE_FOR = Duration.days(3)
"""How long a lock in compliance mode can still be removed. AWS Backup allows no less: see
ChangeableForDays of PutBackupVaultLockConfiguration.
"""
POLICIES = ("AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores")


class CopiesStack(Stack):
    """The vault in the other region."""

    def __init__(self, scope: Construct, deployment: Deployment, region: str) -> None:
        super().__init__(
            scope,
            deployment.named("copies"),
            description="Trading: copies of the backups, in another region",
            env=Environment(region=region),
            termination_protection=True,
        )
        _vault(self, deployment, "copies")


class BackupsStack(Stack):
    """The vault, the plan, and the tables that it backs up."""

    def __init__(self, scope: Construct, deployment: Deployment, stateful: StatefulStack) -> None:
        super().__init__(
            scope,
            deployment.named("backups"),
            description="Trading: backups of the tables",
            termination_protection=True,
        )
        vault = _vault(self, deployment, "backups")
        copies = backup.BackupVault.from_backup_vault_arn(
            self, "Copies", self._copies_arn(deployment)
        )
        self._plan(deployment, vault, copies).add_selection(
            "Tables",
            backup_selection_name=deployment.named("tables"),
            resources=[
                backup.BackupResource.from_dynamo_db_table(table)
                for table in kept(stateful.tables).values()
            ],
            role=self._role(deployment).without_policy_updates(),
            disable_default_backup_policy=True,
        )
        self._watch(stateful.alarms, vault)

    def _copies_arn(self, deployment: Deployment) -> str:
        return self.format_arn(
            service="backup",
            region=deployment.copies_region,
            resource="backup-vault",
            resource_name=deployment.named("copies"),
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _plan(
        self, deployment: Deployment, vault: backup.IBackupVault, copies: backup.IBackupVault
    ) -> backup.BackupPlan:
        def rule(name: str, schedule: events.Schedule, kept_for: Duration) -> backup.BackupPlanRule:
            return backup.BackupPlanRule(
                rule_name=name,
                schedule_expression=schedule,
                schedule_expression_timezone=TimeZone.AMERICA_NEW_YORK,
                start_window=Duration.hours(1),
                completion_window=Duration.hours(4),
                delete_after=kept_for,
                copy_actions=[
                    backup.BackupPlanCopyActionProps(
                        destination_backup_vault=copies, delete_after=kept_for
                    )
                ],
            )

        nightly = events.Schedule.cron(minute="0", hour=str(NIGHTLY_AT_HOUR))
        return backup.BackupPlan(
            self,
            "Plan",
            backup_plan_name=deployment.named("tables"),
            backup_vault=vault,
            backup_plan_rules=[
                rule("hourly", events.Schedule.cron(minute="0"), KEPT_HOURLY),
                rule("nightly", nightly, KEPT_NIGHTLY),
            ],
        )

    def _role(self, deployment: Deployment) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            role_name=deployment.named(f"backups-{Aws.REGION}"),
            assumed_by=iam.ServicePrincipal(
                "backup.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            ),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(f"service-role/{policy}")
                for policy in POLICIES
            ],
        )
        arn = "arn:<AWS::Partition>:iam::aws:policy/service-role"
        acknowledge(
            role,
            {
                f"AwsSolutions-IAM4[Policy::{arn}/{policy}]": (
                    "AWS's own policy for AWS Backup. It is the service's role, not one of our "
                    "functions'."
                )
                for policy in POLICIES
            },
        )
        return role

    def _watch(self, alarms: Alarms, vault: backup.IBackupVault) -> None:
        def jobs(metric: str, period: Duration) -> cloudwatch.Metric:
            return cloudwatch.Metric(
                namespace="AWS/Backup",
                metric_name=metric,
                dimensions_map={"BackupVaultName": vault.backup_vault_name},
                period=period,
                statistic=cloudwatch.Stats.SUM,
            )

        for kind in ("Backup", "Copy"):
            failed = jobs(f"NumberOf{kind}JobsFailed", Duration.minutes(5))
            notice = Notice(f"A {kind.lower()} job of AWS Backup failed", "backups")
            alarms.when(self, f"{kind}JobsFailed", failed, 0, notice)
        completed = jobs("NumberOfBackupJobsCompleted", Duration.hours(1))
        notice = Notice("No table has been backed up for six hours", "backups")
        alarms.when_silent(self, "BackupsMissing", completed, 6, notice)


def kept(tables: Mapping[str, dynamodb.ITable]) -> dict[str, dynamodb.ITable]:
    """The tables that cannot be rebuilt."""
    return {name: table for name, table in tables.items() if TABLES[name].is_kept}


def _vault(scope: Construct, deployment: Deployment, name: str) -> backup.BackupVault:
    """A vault that refuses to delete a recovery point before its time.

    Without `changeable_for`, a lock is in governance mode.
    """
    final = deployment.vault_lock == "compliance"
    return backup.BackupVault(
        scope,
        "Vault",
        backup_vault_name=deployment.named(name),
        lock_configuration=backup.LockConfiguration(
            min_retention=LOCKED_FOR, changeable_for=CHANGEABLE_FOR if final else None
        ),
        removal_policy=RemovalPolicy.RETAIN,
    )
