"""Production: backups, copies in another region, and stacks that are hard to delete."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from infra.stage import Deployment
from infra.synthesized import Synthesized, text
from tests.infra.conftest import NETWORKS, VENUE_URLS
from tests.infra.test_records import KEPT


def stacks(deployed: Synthesized) -> dict[str, dict[str, Any]]:
    """The stacks in the manifest of the assembly, by name."""
    manifest = json.loads((deployed.directory / "manifest.json").read_text())
    return {
        name: artifact
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack" and name.startswith("trading-")
    }


def test_every_stack_of_production_has_termination_protection(
    dev: Synthesized, prod: Synthesized, real: Synthesized
) -> None:
    for deployed, protected in ((dev, False), (prod, True), (real, True)):
        for artifact in stacks(deployed).values():
            assert artifact["properties"].get("terminationProtection", False) is protected


def test_every_table_that_cannot_be_rebuilt_is_backed_up(prod: Synthesized) -> None:
    [selection] = prod.of_type("AWS::Backup::BackupSelection")
    selected = selection.properties["BackupSelection"]
    names = {
        prod.target(selection.stack, arn).properties["TableName"].removeprefix("trading-prod-")
        for arn in selected["Resources"]
    }
    assert names == KEPT
    role = prod.target(selection.stack, selected["IamRoleArn"])
    [statement] = role.properties["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "backup.amazonaws.com"}


@pytest.mark.parametrize(
    ("which", "region", "lock"),
    [
        ("prod", "us-west-2", {"MinRetentionDays": 7}),
        ("real", "eu-west-1", {"MinRetentionDays": 7, "ChangeableForDays": 3}),
    ],
    ids=["governance", "compliance"],
)
def test_every_backup_is_copied_to_a_vault_in_another_region(
    which: str, region: str, lock: dict[str, int], request: pytest.FixtureRequest
) -> None:
    deployed: Synthesized = request.getfixturevalue(which)
    vaults = {vault.stack: vault for vault in deployed.of_type("AWS::Backup::BackupVault")}
    copies = vaults["trading-prod-copies"]
    assert stacks(deployed)["trading-prod-copies"]["environment"] == (
        f"aws://unknown-account/{region}"
    )
    [plan] = deployed.of_type("AWS::Backup::BackupPlan")
    kept_for = {}
    for rule in plan.properties["BackupPlan"]["BackupPlanRule"]:
        vault = deployed.target(plan.stack, rule["TargetBackupVault"])
        assert vault.key == vaults["trading-prod-backups"].key
        [copy] = rule["CopyActions"]
        name = copies.properties["BackupVaultName"]
        assert text(copy["DestinationBackupVaultArn"]).endswith(
            f":backup:{region}:{{reference}}:backup-vault:{name}"
        )
        assert copy["Lifecycle"] == rule["Lifecycle"]
        kept_for[rule["ScheduleExpression"]] = rule["Lifecycle"]["DeleteAfterDays"]
    assert kept_for == {"cron(0 * * * ? *)": 7, "cron(0 22 * * ? *)": 365}
    for vault in vaults.values():
        assert vault.template["DeletionPolicy"] == "Retain"
        assert vault.properties["LockConfiguration"] == lock


def test_backups_that_fail_or_do_not_happen_raise_alarms(prod: Synthesized) -> None:
    alarms = {
        alarm.properties["MetricName"]: alarm.properties
        for alarm in prod.of_type("AWS::CloudWatch::Alarm")
        if alarm.properties["Namespace"] == "AWS/Backup"
    }
    assert alarms.keys() == {
        "NumberOfBackupJobsFailed",
        "NumberOfCopyJobsFailed",
        "NumberOfBackupJobsCompleted",
    }
    assert alarms["NumberOfBackupJobsCompleted"]["TreatMissingData"] == "breaching"


def test_stage_dev_has_no_backups(dev: Synthesized) -> None:
    assert stacks(dev).keys() == {
        "trading-dev-stateful",
        "trading-dev-simulators",
        "trading-dev-services",
        "trading-dev-events",
        "trading-dev-stream",
        "trading-dev-watch",
    }


def deployment(**context: str) -> Deployment:
    """The settings of a deployment whose operators have a network."""
    return Deployment.of(App(context={"internal_access": NETWORKS[0], **context}))


def test_the_copies_must_not_be_in_the_region_of_the_deployment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CDK_DEFAULT_REGION", "us-west-2")
    with pytest.raises(ValueError, match="copies=REGION"):
        deployment(stage="prod", venues="simulated")
    assert deployment(stage="prod", venues="simulated", copies="us-east-1")
    assert deployment(stage="dev"), "which has no copies"


def test_a_vault_has_no_other_lock() -> None:
    assert deployment(stage="prod", venues="simulated").vault_lock == "governance"
    with pytest.raises(ValueError, match="governance"):
        deployment(stage="prod", venues="simulated", vault_lock="none")


def test_production_without_venues_is_not_synthesized() -> None:
    with pytest.raises(ValueError, match=r"-c venues=FILE.*or -c venues=simulated"):
        deployment(stage="prod")


@pytest.mark.parametrize(
    ("addresses", "wrong"),
    [
        ({k: v for k, v in VENUE_URLS.items() if k != "BATS"}, "BATS"),
        ({**VENUE_URLS, "XLON": "https://xlon.example"}, "XLON"),
        ({**VENUE_URLS, "XNYS": "http://xnys.example"}, "https"),
        ({**VENUE_URLS, "XNYS": "https://"}, "https"),
        ({**VENUE_URLS, "XNYS": "https://xnys.example?key=1"}, "https"),
        ({**VENUE_URLS, "XNYS": "https://user:secret@xnys.example"}, "https"),
        ({**VENUE_URLS, "XNYS": "https://xnys.example\n"}, "https"),
        ([], "dict"),
    ],
)
def test_the_addresses_of_the_venues_must_be_complete_and_encrypted(
    addresses: object, wrong: str, tmp_path: Path
) -> None:
    file = tmp_path / "venues.json"
    file.write_text(json.dumps(addresses))
    with pytest.raises(ValueError, match=wrong):
        deployment(stage="prod", venues=str(file))
    with pytest.raises(ValueError, match="No such file"):
        deployment(stage="prod", venues=f"{file}.missing")


def test_a_venue_with_two_addresses_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "venues.json"
    file.write_text(f'{json.dumps(VENUE_URLS)[:-1]}, "XNYS": "https://other.example"}}')
    with pytest.raises(ValueError, match=r"twice: .'XNYS'"):
        deployment(stage="prod", venues=str(file))


def test_with_real_venues_no_simulator_is_deployed(real: Synthesized) -> None:
    assert "trading-prod-simulators" not in stacks(real)
    for name in ("execution", "settlement", "settlement_reconcile", "internal"):
        variables = real.function(name).properties["Environment"]["Variables"]
        assert json.loads(variables["VENUE_URLS"]) == VENUE_URLS
        assert not {"VENUES_API_ID", "SIMULATORS_ALLOWED"} & variables.keys()


def test_simulators_in_production_are_told_to_the_functions(
    dev: Synthesized, prod: Synthesized
) -> None:
    for deployed, told in ((dev, None), (prod, "true")):
        variables = deployed.function("execution").properties["Environment"]["Variables"]
        assert variables.get("SIMULATORS_ALLOWED") == told
