"""The shell completes commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("typed", "offered"), [("trading bal", "balance"), ("trading admin rot", "rotate-secret")]
)
def test_the_shell_completes_commands(typed: str, offered: str) -> None:
    words = {
        "_TRADING_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(typed.count(" ")),
    }
    answer = subprocess.run(
        [sys.executable, "-m", "cli"],
        cwd=ROOT,
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == offered
