"""The tables are taken back to an earlier state, under their own names."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import boto3
import pytest

from infra.catalog.tables import STREAMED
from ops import backups, restore
from ops.backups import RestoreError, Tables
from ops.recovery_points import RecoveryPoints
from ops.target import EVENTS, Target
from ops.writers import Writers, kept_tables
from tests.fakes.events import make_event
from tests.integration.backing import PREFIX
from tests.integration.ops.conftest import Operator
from tests.integration.trading.books import items
from trading.adapters.dynamodb.compared_dates import TableComparedDates
from trading.adapters.dynamodb.event_log import WritableEventLog
from trading.usecases.posttrade.reconcile_settlement import Compared

Content = dict[str, list[dict[str, Any]]]
WHY = ("--reason", "a test")
STRICT_PURGES = "MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR"
"""Whether moto refuses a second purge within a minute, as SQS does."""


def content(operator: Operator) -> Content:
    """The tables that must come back unchanged. The audit log gets entries of the restore."""
    dynamodb = operator.system.dynamodb
    return {
        name: sorted(
            (without_version(item) for item in items(dynamodb, f"{PREFIX}{name}")), key=str
        )
        for name in kept_tables()
        if name != "audit"
    }


def without_version(item: dict[str, Any]) -> dict[str, Any]:
    """An item as it is restored: accounts get other versions."""
    return {k: v for k, v in item.items() if item.get("item") != "CASH" or k != "version"}


def lose(operator: Operator, *names: str) -> None:
    for name in names:
        operator.system.dynamodb.delete_table(TableName=f"{PREFIX}{name}")


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """No function runs. The report of the reconciliation is shown by another command too."""
    monkeypatch.setattr(Writers, "are_stopped", lambda _: True)
    monkeypatch.setattr(restore, "run_and_show", lambda target, screen, reason: screen.show({}))
    monkeypatch.setattr(backups, "LOOK_SECONDS", 0.01)
    monkeypatch.setenv(STRICT_PURGES, "false")


class Lambda:
    """Lambda, as far as it maps event sources. Moto would run the function at each write."""

    def __init__(self) -> None:
        self.mappings: dict[str, dict[str, Any]] = {}

    def create_event_source_mapping(self, **asked: Any) -> None:
        sources = [each["EventSourceArn"] for each in self.mappings.values()]
        assert asked["EventSourceArn"] not in sources, "AWS refuses a second one"
        uuid = f"mapping-{len(sources)}-{asked['EventSourceArn']}"
        self.mappings[uuid] = {**asked, "UUID": uuid}

    def delete_event_source_mapping(self, UUID: str) -> None:  # noqa: N803
        del self.mappings[UUID]

    def get_paginator(self, operation: str) -> "Lambda":
        assert operation == "list_event_source_mappings"
        return self

    def paginate(self, FunctionName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        for mapping in list(self.mappings.values()):
            if mapping["FunctionName"] == FunctionName:
                yield {"EventSourceMappings": [mapping]}


@dataclass(frozen=True)
class Publisher:
    """The function of the streams, with the mappings that its stack makes."""

    dynamodb: Any
    functions: Lambda

    NAME: ClassVar = "trading-test-event-publisher"
    SETTINGS: ClassVar = {
        "BatchSize": 100,
        "MaximumRecordAgeInSeconds": 82_800,
        "BisectBatchOnFunctionError": True,
        "FilterCriteria": {"Filters": [{"Pattern": "{}"}]},
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:queue"}},
    }

    def follow(self, table: str) -> None:
        self.dynamodb.update_table(
            TableName=f"{PREFIX}{table}",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.functions.create_event_source_mapping(
            EventSourceArn=self.stream(table),
            FunctionName=self.NAME,
            StartingPosition="TRIM_HORIZON",
            **self.SETTINGS,
        )

    def stream(self, table: str) -> str:
        described = self.dynamodb.describe_table(TableName=f"{PREFIX}{table}")["Table"]
        assert described["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        return str(described["LatestStreamArn"])


@pytest.fixture(autouse=True)
def publisher(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """No table is followed yet."""
    functions = Lambda()
    monkeypatch.setattr(Target, "functions", functions)
    return Publisher(operator.system.dynamodb, functions)


@pytest.fixture
def before(operator: Operator) -> Content:
    """What the tables hold before they are lost."""
    found = content(operator)
    assert found["reference"]
    assert found["clients"]
    return found


@pytest.mark.usefixtures("stopped")
def test_lost_tables_come_back_with_their_content_names_and_settings(
    operator: Operator, before: Content
) -> None:
    name = operator.ask("backups", "take", *WHY)["backup"]
    [listed] = operator.ask("backups", "list")
    assert (listed["backup"], listed["complete"]) == (name, True)
    lose(operator, *kept_tables())
    operator.ask("restore", "--backup", name, *WHY)
    assert content(operator) == before
    dynamodb = operator.system.dynamodb
    for table in kept_tables():
        answer = dynamodb.describe_continuous_backups(TableName=f"{PREFIX}{table}")
        recovery = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
        arn = dynamodb.describe_table(TableName=f"{PREFIX}{table}")["Table"]["TableArn"]
        tags = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
        assert {"Key": "system", "Value": "trading"} in tags
    expiry = dynamodb.describe_time_to_live(TableName=f"{PREFIX}orders")["TimeToLiveDescription"]
    assert expiry["AttributeName"] == "expires_at"


@pytest.mark.usefixtures("stopped")
def test_a_damaged_table_is_backed_up_and_replaced(operator: Operator, before: Content) -> None:
    name = operator.ask("backups", "take", *WHY)["backup"]
    dynamodb = operator.system.dynamodb
    dynamodb.put_item(TableName=f"{PREFIX}clients", Item={"client_id": {"S": "mallory"}})
    dynamodb.put_item(TableName=f"{PREFIX}idempotency", Item={"id": {"S": "an answer"}})
    operator.ask("restore", "--backup", name, *WHY)
    assert content(operator) == before
    assert list(items(dynamodb, f"{PREFIX}idempotency")) == [], "answers of what is undone"
    made = [each["backup"] for each in operator.ask("backups", "list")]
    assert made[0] == name
    assert made[1].endswith("-before-restore"), "the restore itself can be undone"
    operator.ask("restore", "--backup", made[1], *WHY)
    assert "mallory" in str(content(operator)["clients"])


@pytest.mark.usefixtures("stopped")
def test_a_point_in_time_is_restored_under_the_tables_own_names(
    operator: Operator, before: Content
) -> None:
    operator.ask("restore", "--time", "2026-01-05T14:00:00Z", *WHY)
    assert content(operator) == before
    names = operator.system.dynamodb.list_tables()["TableNames"]
    assert not [name for name in names if name.endswith(restore.COPY)]


@pytest.mark.usefixtures("stopped", "before")
def test_the_publisher_follows_the_restored_tables_and_forgets_the_old_ones(
    operator: Operator, publisher: Publisher
) -> None:
    for table in STREAMED:
        publisher.follow(table)
    name = operator.ask("backups", "take", *WHY)["backup"]
    old = {publisher.stream(table) for table in STREAMED}
    for _ in range(2):
        operator.ask("restore", "--backup", name, *WHY)
        new = {publisher.stream(table) for table in STREAMED}
        assert not old & new
        followed = list(publisher.functions.mappings.values())
        assert {each["EventSourceArn"] for each in followed} == new
        for mapping in followed:
            assert mapping["StartingPosition"] == "TRIM_HORIZON"
            assert {key: mapping[key] for key in publisher.SETTINGS} == publisher.SETTINGS
        old = new


@pytest.mark.usefixtures("stopped", "before")
def test_a_stage_without_the_publisher_gets_streams_and_no_mapping(
    operator: Operator, publisher: Publisher
) -> None:
    """Its next deployment makes the mappings, with all their settings."""
    name = operator.ask("backups", "take", *WHY)["backup"]
    operator.ask("restore", "--backup", name, *WHY)
    assert all(publisher.stream(table) for table in STREAMED)
    assert publisher.functions.mappings == {}


@pytest.mark.usefixtures("stopped")
def test_events_that_the_restore_undid_are_forgotten(operator: Operator, before: Content) -> None:
    name = operator.ask("backups", "take", *WHY)["backup"]
    dynamodb = operator.system.dynamodb
    log = WritableEventLog(dynamodb, f"{PREFIX}events", f"{PREFIX}connections", operator.system.now)
    assert log.write([make_event(2)]) == set()
    operator.ask("restore", "--backup", name, *WHY)
    assert log.after("alice", 0, 10) == []
    keys = dynamodb.describe_table(TableName=f"{PREFIX}events")["Table"]["KeySchema"]
    assert [each["AttributeName"] for each in keys] == ["client_id", "sequence"]
    expiry = dynamodb.describe_time_to_live(TableName=f"{PREFIX}events")
    assert expiry["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    assert content(operator) == before


@pytest.mark.usefixtures("stopped", "before")
def test_events_on_their_way_do_not_reach_the_emptied_log(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = operator.ask("backups", "take", *WHY)["backup"]
    sqs, url = operator.system.sqs, operator.system.queues["EVENTS_QUEUE_URL"]
    sqs.purge_queue(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody="an event")
    sqs.send_message(QueueUrl=url, MessageBody="a check", DelaySeconds=240)
    with monkeypatch.context() as refused:
        refused.setattr(Target, "purge", lambda *_: False)
        refused.setattr(backups, "PATIENCE_SECONDS", 0)
        assert operator.run("restore", "--backup", name, *WHY)[0] == 1, "one purge a minute"
    operator.ask("restore", "--backup", name, *WHY)
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    left = {key: int(n) for key, n in attributes.items() if key.startswith("ApproximateNumber")}
    assert left
    assert not any(left.values())


def test_a_queue_is_purged_once_a_minute(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STRICT_PURGES, "true")
    target = Target("test", boto3.Session())
    assert [target.purge(EVENTS) for _ in range(2)] == [True, False]
    assert target.purge("events-dlq"), "another queue"


@pytest.mark.usefixtures("stopped", "before")
def test_a_restored_account_has_a_version_that_it_never_had(operator: Operator) -> None:
    """Versions count events. Those that the restore undid must not lend theirs to others."""
    name = operator.ask("backups", "take", *WHY)["backup"]
    last = 0
    for _ in range(2):
        operator.ask("restore", "--backup", name, *WHY)
        account = operator.system.books.account("alice")
        assert account.version > last
        operator.system.books.commit(account)
        last = account.version + 1
        operator.system.venues.now += timedelta(minutes=1)


def test_nothing_is_deleted_while_functions_may_write(
    operator: Operator, before: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Writers, "are_stopped", lambda _: False)
    status, _, said = operator.run("restore", "--time", "2026-01-05T14:00:00Z", *WHY)
    assert (status, "writers are not stopped" in said) == (1, True)
    assert content(operator) == before


@pytest.mark.usefixtures("stopped")
def test_nothing_is_deleted_for_a_backup_that_is_incomplete_or_unknown(
    operator: Operator, before: Content
) -> None:
    operator.system.dynamodb.create_backup(TableName=f"{PREFIX}orders", BackupName="half")
    for name, complaint in (("half", "half has no clients"), ("none", "none has no clients")):
        status, _, said = operator.run("restore", "--backup", name, *WHY)
        assert (status, complaint in said) == (1, True), said
    assert content(operator) == before


@pytest.mark.parametrize("arguments", [(), ("--backup", "x", "--time", "2026-01-05T14:00:00Z")])
def test_a_restore_needs_one_source(operator: Operator, arguments: tuple[str, ...]) -> None:
    assert operator.run("restore", *arguments, *WHY)[0] == 2


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("step", ["delete", "restore", "set_up"])
def test_a_restore_that_died_can_be_repeated(
    step: str, operator: Operator, before: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = operator.ask("backups", "take", *WHY)["backup"]
    with monkeypatch.context() as dying:
        whole = getattr(Tables, step)

        def die(self: Tables, table: str, *more: Any) -> None:
            if table == "ledger":
                raise KeyboardInterrupt
            whole(self, table, *more)

        dying.setattr(Tables, step, die)
        operator.run("restore", "--backup", name, *WHY)
    operator.ask("restore", "--backup", name, *WHY)
    assert content(operator) == before


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("how", ["--backup", "--time"])
def test_what_the_depository_confirmed_since_is_compared_again(
    how: str, operator: Operator, before: Content
) -> None:
    """The record of what is compared is not restored, and the settlements in the ledger are."""
    dynamodb = operator.system.dynamodb
    compared = TableComparedDates(dynamodb, f"{PREFIX}control")
    ends = {date(2026, 11, 27): "a cursor"}
    compared.record(Compared(open_since=date(2026, 11, 27), ends=ends))
    name = operator.ask("backups", "take", *WHY)["backup"]
    taken = datetime.now(UTC)
    source = name if how == "--backup" else f"{taken:%Y-%m-%dT%H:%M:%SZ}"
    operator.ask("restore", how, source, *WHY)
    assert compared.last() == Compared.until(taken)
    assert Compared.until(taken).open_since < taken.date() - timedelta(days=4)
    assert Compared.until(taken).ends == {}


class Vault:
    """AWS Backup's answers, as its API reference has them."""

    def __init__(self, dynamodb: Any, points: list[dict[str, Any]]) -> None:
        self._dynamodb, self._points = dynamodb, points
        self.jobs: list[dict[str, Any]] = []
        self.status = "COMPLETED"

    def get_paginator(self, operation: str) -> "Vault":
        assert operation == "list_recovery_points_by_backup_vault"
        return self

    def paginate(self, **asked: str) -> list[dict[str, Any]]:
        assert asked == {"BackupVaultName": "trading-test-copies", "ByResourceType": "DynamoDB"}
        return [{"RecoveryPoints": [each]} for each in self._points]

    def start_restore_job(self, **job: Any) -> dict[str, str]:
        self.jobs.append(job)
        return {"RestoreJobId": "job-1"}

    def describe_restore_job(self, **asked: str) -> dict[str, str]:
        assert asked == {"RestoreJobId": "job-1"}
        return {"Status": self.status, "StatusMessage": "no such role"}


def point(table: str, day: int, status: str = "COMPLETED") -> dict[str, Any]:
    return {
        "ResourceArn": f"arn:aws:dynamodb:us-east-1:123456789012:table/trading-test-{table}",
        "RecoveryPointArn": f"arn:aws:backup:us-west-2:123456789012:recovery-point:{table}-{day}",
        "CreationDate": datetime(2026, 11, day, 22, tzinfo=UTC),
        "Status": status,
    }


@pytest.fixture
def vault(operator: Operator) -> Vault:
    points = [point(t, day) for day in (3, 5, 4) for t in ("orders", "ledger")]
    return Vault(operator.system.dynamodb, [*points, point("orders", 6, "PARTIAL")])


@pytest.fixture
def points(vault: Vault, operator: Operator) -> RecoveryPoints:
    target = Target("test", boto3.Session())
    target.__dict__["backup"] = vault
    return RecoveryPoints(target, "trading-test-copies")


@pytest.mark.parametrize(("before", "day"), [(None, 5), (datetime(2026, 11, 5, tzinfo=UTC), 4)])
def test_the_latest_complete_recovery_point_before_a_time_is_chosen(
    before: datetime | None, day: int, points: RecoveryPoints
) -> None:
    chosen = points.latest(["orders", "ledger"], before)
    named = {each.arn.rpartition(":")[2] for each in chosen.values()}
    assert named == {f"orders-{day}", f"ledger-{day}"}
    assert {each.made.day for each in chosen.values()} == {day}


def test_a_table_without_a_recovery_point_stops_the_restore(points: RecoveryPoints) -> None:
    with pytest.raises(RestoreError, match="nothing of accounts"):
        points.latest(["orders", "accounts"], None)


def test_a_recovery_point_is_restored_under_the_tables_own_name(
    points: RecoveryPoints, vault: Vault
) -> None:
    points.restore("arn:point")("trading-test-orders")
    [job] = vault.jobs
    assert job["RecoveryPointArn"] == "arn:point"
    assert job["ResourceType"] == "DynamoDB"
    assert job["Metadata"] == {
        "targetTableName": "trading-test-orders",
        "encryptionType": "Default",
    }
    assert job["IamRoleArn"].endswith(":role/trading-test-backups-us-east-1")
    vault.status = "FAILED"
    with pytest.raises(RestoreError, match="no such role"):
        points.restore("arn:point")("trading-test-orders")
