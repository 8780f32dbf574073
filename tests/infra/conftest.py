"""Synthesizes the app in this process, once a session for each stage, without building a layer."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# The jsii kernel is started with the first `node` on the path, at the import of aws_cdk.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

from aws_cdk import App, Stack
from aws_cdk import aws_sqs as sqs

from infra.app import build
from infra.catalog.names import PACKAGE_LAYERS
from infra.stage import ROOT
from infra.synthesized import Synthesized

CANARY = "canary"
VENUE_URLS = {
    venue: f"https://{venue.lower()}.example/v1"
    for venue in ("XNYS", "XNAS", "ARCX", "BATS", "depository")
}
EDGE = "trading-prod-edge"
NETWORKS = ("203.0.113.0/24", "198.51.100.7/32")
ENDPOINTS = ("vpce-0a1b2c3d4e5f60718", "vpce-12345678")


@pytest.fixture(scope="session")
def layers_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stands for the built layers. No property of the templates depends on their content."""
    directory = tmp_path_factory.mktemp("layers")
    for name in PACKAGE_LAYERS:
        (directory / "aws" / name / "python").mkdir(parents=True)
        (directory / "aws" / name / "python" / f"{name}.py").touch()
    return directory


def make_app(layers_dir: Path, directory: Path, stage: str, **settings: str) -> App:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = App(
        context={**context, "stage": stage, "layers_dir": str(layers_dir), **settings},
        outdir=str(directory),
    )
    build(app)
    return app


@pytest.fixture(scope="session")
def synthesize(
    layers_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Synthesized]:
    """Synthesizes the stage dev with other settings of the deployment."""

    def synthesize(**settings: str) -> Synthesized:
        directory = tmp_path_factory.mktemp("settings")
        make_app(layers_dir, directory, "dev", **settings).synth()
        return Synthesized(directory)

    return synthesize


@pytest.fixture(scope="session")
def dev(layers_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    directory = tmp_path_factory.mktemp("dev")
    make_app(layers_dir, directory, "dev").synth()
    return Synthesized(directory)


@pytest.fixture(scope="session")
def prod(layers_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """The production stage, told to use simulators, with a stack beside it that cdk-nag must object
    to.
    """
    directory = tmp_path_factory.mktemp("prod")
    app = make_app(
        layers_dir, directory, "prod", venues="simulated", internal_access=",".join(NETWORKS)
    )
    sqs.Queue(Stack(app, CANARY), "QueueWithoutDeadLetters")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    return Synthesized(directory)


@pytest.fixture(scope="session")
def real(layers_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """The production stage with real venues, vaults that nobody can unlock, and a private internal
    API.
    """
    directory = tmp_path_factory.mktemp("real")
    addresses = directory / "venues.json"
    addresses.write_text(json.dumps(VENUE_URLS))
    make_app(
        layers_dir,
        directory,
        "prod",
        venues=str(addresses),
        copies="eu-west-1",
        vault_lock="compliance",
        internal_access=",".join(ENDPOINTS),
    ).synth()
    return Synthesized(directory)


@pytest.fixture(scope="session", params=["dev", "prod"])
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def synthesized(stage: str, request: pytest.FixtureRequest) -> Synthesized:
    """Each stage in turn."""
    deployed: Synthesized = request.getfixturevalue(stage)
    return deployed
