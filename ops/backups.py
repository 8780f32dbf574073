"""Backups of the tables that cannot be rebuilt, and the tables made from them."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.catalog.tables import TABLES
from ops.streams import Streams
from ops.target import Target
from ops.writers import kept_tables
from trading.domain.values import iso

LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 12 * 3600
"""A restore of a large table takes hours."""

Backups = Mapping[str, str]
"""Table → the ARN of a backup of it."""


class RestoreError(Exception):
    """The restore cannot go on. Nothing is lost: each deleted table has a backup."""


@dataclass(frozen=True)
class TableBackups:
    """On-demand backups of DynamoDB, in sets of one name. A set has every kept table."""

    target: Target

    def take(self, name: str, tables: Iterable[str]) -> dict[str, str]:
        """Back up tables under one name, and wait. Return the ARNs of the backups."""
        backups = {
            table: self.target.dynamodb.create_backup(
                TableName=self.target.named(table), BackupName=name
            )["BackupDetails"]["BackupArn"]
            for table in tables
        }
        for arn in backups.values():
            wait_until(lambda arn=arn: self._is_available(arn), f"backup {arn}")  # type: ignore[misc]
        return backups

    def sets(self) -> dict[str, dict[str, tuple[str, datetime]]]:
        """Name of the set → table → ARN and time of the backup, oldest set first."""
        found: defaultdict[str, dict[str, tuple[str, datetime]]] = defaultdict(dict)
        for each in sorted(self._all(), key=lambda backup: backup["BackupCreationDateTime"]):
            table = each["TableName"].removeprefix(self.target.named(""))
            found[each["BackupName"]][table] = (each["BackupArn"], each["BackupCreationDateTime"])
        return found

    def of(self, name: str) -> dict[str, str]:
        """The backups of a set by table. Raises RestoreError unless it has every kept table."""
        found = {table: arn for table, (arn, _) in self.sets().get(name, {}).items()}
        if missing := [table for table in kept_tables() if table not in found]:
            raise RestoreError(f"backup {name} has no {', '.join(missing)}")
        return found

    def _all(self) -> Iterator[Any]:
        ours = {self.target.named(table) for table in kept_tables()}
        start: dict[str, str] = {}
        while True:
            page: Any = self.target.dynamodb.list_backups(BackupType="USER", **start)  # type: ignore[arg-type]
            yield from (each for each in page["BackupSummaries"] if each["TableName"] in ours)
            if "LastEvaluatedBackupArn" not in page:
                return
            start = {"ExclusiveStartBackupArn": page["LastEvaluatedBackupArn"]}

    def _is_available(self, arn: str) -> bool:
        described = self.target.dynamodb.describe_backup(BackupArn=arn)
        return described["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE"


@dataclass(frozen=True)
class Tables:
    """Deletes, restores and configures the tables of a deployment."""

    target: Target
    say: Callable[[str], None]

    def exists(self, name: str) -> bool:
        """Whether the table is there, in whatever state."""
        return self._status(name) is not None

    def copy_of(self, name: str, at: datetime, copy: str) -> None:
        """Make a table with the content that another one had at a time. The time is cut to a
        second.
        """
        if not self.exists(copy):
            self.say(f"{name}: copy of {iso(at)}")
            self.target.dynamodb.restore_table_to_point_in_time(
                SourceTableName=self.target.named(name),
                TargetTableName=self.target.named(copy),
                RestoreDateTime=at,
            )

    def delete(self, name: str) -> None:
        """Delete a table even if it is protected, and wait until it is gone."""
        if not self.exists(name):
            return
        self.wait(name)
        table = self.target.named(name)
        described = self.target.dynamodb.describe_table(TableName=table)["Table"]
        if described.get("DeletionProtectionEnabled"):
            self.target.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
            self.wait(name)
        self.say(f"{name}: delete")
        self.target.dynamodb.delete_table(TableName=table)
        wait_until(lambda: not self.exists(name), f"{table} to be deleted")

    def restore(self, name: str, restore: Callable[[str], None]) -> None:
        """Make the table by `restore`, which gets its physical name, and wait until it is there."""
        self.say(f"{name}: restore")
        restore(self.target.named(name))
        self.wait(name)

    def from_backup(self, arn: str) -> Callable[[str], None]:
        """A `restore` from an on-demand backup."""

        def restore(table: str) -> None:
            self.target.dynamodb.restore_table_from_backup(TargetTableName=table, BackupArn=arn)

        return restore

    def set_up(self, name: str) -> None:
        """Set what a restore leaves out: DynamoDB restores only content, keys and indexes."""
        self.say(f"{name}: settings")
        table, spec = self.target.named(name), TABLES[name]
        client = self.target.dynamodb
        described = client.describe_table(TableName=table)["Table"]
        if described.get("SSEDescription", {}).get("SSEType") != "KMS":
            client.update_table(TableName=table, SSESpecification={"Enabled": True})
            self.wait(name)
        if spec.streamed:
            Streams(self.target, self.wait).reconnect(name)
        if self.target.is_production and spec.is_kept:
            client.update_table(TableName=table, DeletionProtectionEnabled=True)
            self.wait(name)
        if spec.expires and not self._expires(table):
            client.update_time_to_live(
                TableName=table,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": spec.expires},
            )
        client.update_continuous_backups(
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": spec.is_kept},
        )
        client.tag_resource(
            ResourceArn=described["TableArn"],
            Tags=[
                {"Key": "system", "Value": "trading"},
                {"Key": "stage", "Value": self.target.stage},
            ],
        )

    def empty(self, name: str) -> None:
        """Replace a table by an empty one, which takes minutes whatever it holds. Idempotent."""
        spec, table = TABLES[name], self.target.named(name)
        self.delete(name)
        self.say(f"{name}: create")
        self.target.dynamodb.create_table(
            TableName=table,
            KeySchema=[
                {"AttributeName": attribute, "KeyType": kind}  # type: ignore[typeddict-item]
                for attribute, kind in zip(spec.key, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[
                {"AttributeName": attribute, "AttributeType": "S"} for attribute in spec.key
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        self.wait(name)
        self.set_up(name)

    def wait(self, name: str) -> None:
        """Wait until the table is active."""
        wait_until(lambda: self._status(name) == "ACTIVE", f"{self.target.named(name)}")

    def _expires(self, table: str) -> bool:
        answer = self.target.dynamodb.describe_time_to_live(TableName=table)
        status = answer["TimeToLiveDescription"].get("TimeToLiveStatus")
        return status in ("ENABLED", "ENABLING")

    def _status(self, name: str) -> str | None:
        client = self.target.dynamodb
        try:
            described = client.describe_table(TableName=self.target.named(name))
        except client.exceptions.ResourceNotFoundException:
            return None
        return described["Table"].get("TableStatus", "ACTIVE")


def wait_until(done: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds. Raises RestoreError after half a day."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise RestoreError(f"waited too long for {what}")
        time.sleep(LOOK_SECONDS)
