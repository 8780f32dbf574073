"""The tutorial works as written: its commands run in their order on the deployed system."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.failures import Exit
from tests.unit.test_documented_commands import shell_commands
from workstation.local_system import LocalSystem

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial" / "index.md").read_text()
BY_THE_FIXTURE = {"run", "stop"}
MAKE = {"session": ["-m", "local", "session"]}


@pytest.fixture
def environment(system: LocalSystem, tmp_path: Path) -> dict[str, str]:
    """A newcomer's environment, whose local system is the one under test."""
    return {
        **os.environ,
        "TRADING_PORT": str(system.port),
        "TRADING_LOCAL_DIR": str(system.directory),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


def wait_for_fresh_displays() -> None:
    """A session buys all that is displayed of a thin symbol, and exchanges display anew each
    minute. The session of another test may have ended just now.
    """
    time.sleep(60 - time.time() % 60)


@pytest.mark.timeout(900)
def test_the_tutorial_can_be_followed(environment: dict[str, str]) -> None:
    said = {}
    for program, *words in shell_commands(TUTORIAL):
        if program == "make" and words[0] in BY_THE_FIXTURE:
            continue
        if program == "make":
            wait_for_fresh_displays()
        arguments = MAKE[words[0]] if program == "make" else ["-m", "cli", *words]
        ran = subprocess.run(  # noqa: S603
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        refused = words[:3] == ["place", "sell", "1000"]
        expected = Exit.ORDER_REJECTED if refused else 0
        assert ran.returncode == expected, f"{words}: {ran.stdout}{ran.stderr}"
        said[" ".join(words)] = ran.stdout
    assert "INSUFFICIENT_SHARES" in said["place sell 1000 KO"]
    assert "KO" in said["order --key tutorial-1"]
