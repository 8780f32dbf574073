"""The recovery points of AWS Backup, in the vault of this region or in that of the copies."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ops.backups import RestoreError, wait_until
from ops.target import Target


class RecoveryPoint(NamedTuple):
    """A backup of one table, and when it was made."""

    made: datetime
    arn: str


@dataclass(frozen=True)
class RecoveryPoints:
    """The recovery points in a vault."""

    target: Target
    vault: str

    def latest(self, names: Iterable[str], before: datetime | None) -> dict[str, RecoveryPoint]:
        """The latest recovery point of each table. Raises RestoreError if a table has none.

        A copy names its table by the ARN in the region that it comes from.
        """
        found: dict[str, RecoveryPoint] = {}
        pages = self.target.backup.get_paginator("list_recovery_points_by_backup_vault")
        for page in pages.paginate(BackupVaultName=self.vault, ByResourceType="DynamoDB"):
            for point in page["RecoveryPoints"]:
                table = point["ResourceArn"].rpartition("/")[2]
                made = point["CreationDate"]
                usable = point["Status"] == "COMPLETED" and (before is None or made <= before)
                if usable and (table not in found or made > found[table].made):
                    found[table] = RecoveryPoint(made, point["RecoveryPointArn"])
        points = {name: found.get(self.target.named(name)) for name in names}
        if missing := [name for name, point in points.items() if point is None]:
            raise RestoreError(f"vault {self.vault} has nothing of {', '.join(missing)}")
        return {name: point for name, point in points.items() if point}

    def restore(self, recovery_point: str) -> Callable[[str], None]:
        """A restore from this recovery point: it gets the name of the table to make, and waits.

        `Default` is the key that DynamoDB owns. "Restore testing inferred metadata" in the guide of
        AWS Backup has the keys and their values.
        """

        def restore(table: str) -> None:
            job = self.target.backup.start_restore_job(
                RecoveryPointArn=recovery_point,
                IamRoleArn=self.target.role_arn(f"backups-{self.target.session.region_name}"),
                ResourceType="DynamoDB",
                Metadata={"targetTableName": table, "encryptionType": "Default"},
            )["RestoreJobId"]
            wait_until(lambda: self._is_done(job), f"restore job {job}")

        return restore

    def _is_done(self, job: str) -> bool:
        """Raises RestoreError if the job failed."""
        described = self.target.backup.describe_restore_job(RestoreJobId=job)
        if described["Status"] in ("ABORTED", "FAILED"):
            raise RestoreError(f"restore job {job}: {described.get('StatusMessage')}")
        return bool(described["Status"] == "COMPLETED")
