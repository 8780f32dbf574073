"""Production gets reference data and its first operator, and never demo clients."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local import remote
from local.api import Credentials
from local.demo import SERVICE_ID
from local.seed import CREDENTIALS_BY_ID
from workstation.profiles import Profiles

URLS = {
    "PublicApiUrl": "https://public.example",
    "InternalApiUrl": "https://internal.example",
    "StreamUrl": "wss://stream.example/stream",
}
SIMULATED = {"ExchangeBooksTable": "trading-dev-exchange-books"}
CREDENTIALS = {
    name: Credentials(client_id=name, api_key=f"key-{name}", api_secret="secret")
    for name in ("alice", SERVICE_ID)
}
REASON = ["--reason", "first deployment"]
ROLES = [
    *("--role", "client-administrator", "--role", "halts"),
    *("--role", "operations", "--role", "operator-administrator"),
]


class Machine:
    """Remembers what a step has started. `ends` are the exit statuses, by the command's name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commands: list[list[str]] = []
        self.ends: dict[str, int] = {}
        self.has_seeded = False

    def deploy(self, stage: str, outputs: dict[str, str]) -> None:
        """Leave what a deployment leaves."""
        directory = self.root / ".local" / f"aws-{stage}"
        directory.mkdir(parents=True)
        (directory / "outputs.json").write_text(json.dumps({"stack": outputs}))

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        python, *words = command
        assert (python, words[:3]) == (sys.executable, ["-m", "ops", "--aws"])
        self.commands.append(words[3:])
        return subprocess.CompletedProcess(command, self.ends.get(words[5], 0))

    def seeder(self, dynamodb: Any, outputs: dict[str, str], credentials: Path) -> "Machine":
        credentials.write_bytes(CREDENTIALS_BY_ID.dump_json(CREDENTIALS))
        return self

    def seed(self) -> None:
        self.has_seeded = True


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    """A workstation whose AWS account nobody reaches."""
    machine = Machine(tmp_path)
    monkeypatch.setattr(remote, "ROOT", tmp_path)
    monkeypatch.setattr(remote, "Seeder", machine.seeder)
    monkeypatch.setattr(remote.boto3, "client", lambda _: None)
    monkeypatch.setattr(remote.subprocess, "run", machine.run)
    return machine


def seed(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["remote", "seed", *arguments])
    return remote.main()


def test_stage_dev_with_simulated_venues_gets_demo_clients(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.deploy("dev", {**URLS, **SIMULATED})
    assert seed(monkeypatch) == 0
    assert machine.has_seeded
    assert machine.commands == []
    written = Profiles.read(machine.root / ".local" / "aws-dev" / "profiles.json").profiles
    assert {
        name: (each.url, each.admin_url, each.stream_url) for name, each in written.items()
    } == {
        "aws-dev": ("https://public.example", None, "wss://stream.example/stream"),
        "aws-dev-admin": ("https://public.example", "https://internal.example", None),
    }


@pytest.mark.parametrize(
    ("stage", "outputs"), [("prod", {**URLS, **SIMULATED}), ("prod", URLS), ("dev", URLS)]
)
def test_any_other_deployment_gets_reference_data_and_an_operator_alone(
    stage: str,
    outputs: dict[str, str],
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine.deploy(stage, outputs)
    file = ("--reference", "reference.json", "--operator", "anna")
    assert seed(monkeypatch, "--stage", stage, *file) == 0
    assert not machine.has_seeded
    assert machine.commands == [
        ["--stage", stage, "reference", "write", "--file", "reference.json", *REASON],
        ["--stage", stage, "operators", "create", "anna", *ROLES, "--if-none", *REASON],
    ]
    assert "No demo clients" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ends", "status", "commands"),
    [
        ({}, 0, ["reference", "operators"]),
        ({"reference": 1}, 1, ["reference", "operators"]),
        ({"reference": 2}, 2, ["reference"]),
        ({"reference": 3}, 3, ["reference"]),
        ({"operators": 1}, 1, ["reference", "operators"]),
    ],
)
def test_a_failure_is_the_exit_status(
    ends: dict[str, int],
    status: int,
    commands: list[str],
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine.deploy("prod", URLS)
    machine.ends = ends
    assert seed(monkeypatch, "--stage", "prod") == status
    assert [words[2] for words in machine.commands] == commands


def test_without_the_outputs_of_a_deployment_stage_dev_is_not_seeded(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seed(monkeypatch, "--stage", "dev") == 1
    assert "deploy first" in capsys.readouterr().err
    assert (machine.has_seeded, machine.commands) == (False, [])


def test_production_is_seeded_by_whoever_has_its_account(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seed(monkeypatch, "--stage", "prod") == 0
    assert len(machine.commands) == 2
