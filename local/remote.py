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
from local.seed import CREDENTIALS_BY_ID, Seeder
from workstation.local_system import ROOT


def main() -> int:
    """Run a step. Return 0, or the exit status of the command that failed."""
    parser = argparse.ArgumentParser(prog="python -m local.remote", description=__doc__)
    parser.add_argument("step", choices=("deploy", "seed", "destroy", "synth"))
    parser.add_argument("--stage", choices=("dev", "prod"), default="dev")
    parser.add_argument("--venues", help="simulated, or a JSON file of the venues' addresses")
    parser.add_argument("--origins", help="whose pages may call the APIs, separated by commas")
    parser.add_argument("--copies", help="the region that production copies its backups to")
    parser.add_argument("--reserved-concurrency", choices=("true", "false"))
    parser.add_argument("--web-acl", choices=("true", "false"))
    arguments = parser.parse_args()
    kept = ROOT / ".local" / f"aws-{arguments.stage}"
    outputs = kept / "outputs.json"
    stage = ["-c", f"stage={arguments.stage}"]
    for setting in ("venues", "copies", "origins", "reserved_concurrency", "web_acl"):
        if value := getattr(arguments, setting):
            stage += ["-c", f"{setting}={value}"]
    if arguments.step == "seed":
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


def _seed(outputs_file: Path, credentials_file: Path, profile: str) -> int:
    if not outputs_file.exists():
        sys.stderr.write(f"{outputs_file} is missing: deploy first (make deploy)\n")
        return 1
    stacks: dict[str, dict[str, str]] = json.loads(outputs_file.read_text())
    outputs = {name: value for stack in stacks.values() for name, value in stack.items()}
    Seeder(boto3.client("dynamodb"), outputs, credentials_file).seed()
    known = CREDENTIALS_BY_ID.validate_json(credentials_file.read_bytes())
    profiles_file = credentials_file.with_name("profiles.json")
    demo_profiles.write(
        profiles_file, profile, outputs["PublicApiUrl"], outputs["InternalApiUrl"], known
    )
    print(
        f"{outputs['PublicApiUrl']}\n{credentials_file}\nTry: bin/trading --profile {profile} "
        "balance"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
