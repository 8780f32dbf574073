"""Deploys to AWS with the credentials and region of the environment.

`python -m local.remote deploy|seed|destroy|synth`
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import boto3

from local import demo_profiles
from local.seed import CREDENTIALS_BY_ID, Seeder, output_of
from trading.domain.clients.roles import Role
from workstation.local_system import ROOT
from workstation.reference_data import MARKET

SETTINGS = (
    "venues",
    "internal_access",
    "copies",
    "origins",
    "reserved_concurrency",
    "web_acl",
    "vault_lock",
    "transfer_approval_above",
    "limit_approval_above",
)
DIFFERENT = 1
"""The exit status of `ops reference write` if the table has an item with other values."""
FIRST_ROLES = (
    Role.CLIENT_ADMINISTRATOR,
    Role.HALTS,
    Role.OPERATIONS,
    Role.OPERATOR_ADMINISTRATOR,
)
"""The first operator of production moves no money. Others get the role for that."""
NO_DEMO_CLIENTS = (
    "No demo clients: they are only for stage dev with simulated venues. What follows are the "
    "reference data and the first operator, who makes the clients: trading admin create."
)


def main() -> int:
    """Run a step. Return 0, or the exit status of the command that failed."""
    parser = argparse.ArgumentParser(prog="python -m local.remote", description=__doc__)
    parser.add_argument("step", choices=("deploy", "seed", "destroy", "synth"))
    parser.add_argument("--stage", choices=("dev", "prod"), default="dev")
    parser.add_argument("--venues", help="simulated, or a JSON file of the venues' addresses")
    parser.add_argument("--origins", help="whose pages may call the APIs, separated by commas")
    parser.add_argument(
        "--internal-access",
        help="networks or VPC endpoints of the operators, separated by commas",
    )
    parser.add_argument("--copies", help="the region that production copies its backups to")
    parser.add_argument("--reserved-concurrency", choices=("true", "false"))
    parser.add_argument("--web-acl", choices=("true", "false"))
    parser.add_argument("--vault-lock", choices=("governance", "compliance"))
    parser.add_argument("--transfer-approval-above", help="the most that one operator moves alone")
    parser.add_argument(
        "--limit-approval-above", help="the highest limit that one operator sets alone"
    )
    parser.add_argument("--reference", help="a JSON file of instruments and exchanges, for seed")
    parser.add_argument("--operator", default="admin", help="the name of the first one, for seed")
    arguments = parser.parse_args()
    kept = ROOT / ".local" / f"aws-{arguments.stage}"
    outputs = kept / "outputs.json"
    stage = ["-c", f"stage={arguments.stage}"]
    for setting in SETTINGS:
        if value := getattr(arguments, setting):
            stage += ["-c", f"{setting}={value}"]
    if arguments.step == "seed":
        is_production = arguments.stage == "prod"
        if not is_production and not outputs.exists():
            sys.stderr.write(f"{outputs} is missing: deploy first (make deploy)\n")
            return 1
        if is_production or output_of(MARKET) not in _outputs(outputs):
            sys.stderr.write(f"{NO_DEMO_CLIENTS}\n")
            return _begin(arguments.stage, arguments.reference, arguments.operator)
        return _seed(outputs, kept / "credentials.json", f"aws-{arguments.stage}")
    if arguments.step == "destroy":
        return _cdk("destroy", "--all", *stage)
    status = subprocess.run([sys.executable, "-m", "local.layers", "aws"], cwd=ROOT).returncode
    if status or arguments.step == "synth":
        return status or _cdk("synth", "--quiet", *stage)
    kept.mkdir(parents=True, exist_ok=True)
    return _cdk("bootstrap", *stage) or _cdk(
        "deploy", "--all", *stage, "--outputs-file", str(outputs)
    )


def _cdk(*arguments: str) -> int:
    """Run the CDK with the tools of the virtual environment first on the path."""
    tools = Path(sys.executable).parent
    path = f"{tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return subprocess.run(
        [str(tools / "cdk"), *arguments], cwd=ROOT, env={**os.environ, "PATH": path}
    ).returncode


def _begin(stage: str, reference: str | None, operator: str) -> int:
    """Write the reference data, and make an operator if there is none yet."""
    reason = ("--reason", "first deployment")
    listed = ("--file", reference) if reference else ()
    written = _ops(stage, "reference", "write", *listed, *reason)
    if written not in (0, DIFFERENT):
        return written
    roles = [part for role in FIRST_ROLES for part in ("--role", role)]
    made = _ops(stage, "operators", "create", operator, *roles, "--if-none", *reason)
    return made or written


def _ops(stage: str, *command: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "ops", "--aws", "--stage", stage, *command], cwd=ROOT
    ).returncode


def _outputs(file: Path) -> dict[str, str]:
    """The outputs of all stacks."""
    stacks: dict[str, dict[str, str]] = json.loads(file.read_text())
    return {name: value for stack in stacks.values() for name, value in stack.items()}


def _seed(outputs_file: Path, credentials_file: Path, profile: str) -> int:
    """Write the reference data and the demo clients."""
    outputs = _outputs(outputs_file)
    Seeder(boto3.client("dynamodb"), outputs, credentials_file).seed()
    known = CREDENTIALS_BY_ID.validate_json(credentials_file.read_bytes())
    profiles_file = credentials_file.with_name("profiles.json")
    public, internal, stream = (
        outputs[f"{name}Url"] for name in ("PublicApi", "InternalApi", "Stream")
    )
    demo_profiles.write(profiles_file, profile, public, internal, stream, known)
    print(
        f"{outputs['PublicApiUrl']}\n{credentials_file}\nTry: bin/trading --profile {profile} "
        "balance"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
