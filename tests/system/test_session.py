"""The whole session that `make run` plays: every order, the close, the settlement and the books."""

import io
import os
import signal
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from local import books, run, seed, server
from local.api import TradingClient
from tests.system.test_events import standing
from tests.system.waiting import PATIENCE_SECONDS
from workstation.local_system import LocalError, LocalSystem

STREAM = "bin/trading stream"


def as_newcomer(system: LocalSystem, home: Path) -> dict[str, str]:
    """The environment of somebody who has no profile yet."""
    homes = {name: str(home / name) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    return os.environ | homes | {"TRADING_LOCAL_DIR": str(system.directory)}


@pytest.mark.timeout(900)
def test_the_session_comes_out_as_it_must(system: LocalSystem) -> None:
    said = io.StringIO()
    ok = run.play(system, Console(file=said, width=200))
    assert ok, said.getvalue()


def test_seeding_again_changes_nothing(system: LocalSystem) -> None:
    before = books.snapshot(system, day_is_over=False)
    known = seed.credentials(system)
    seed.seed(system)
    assert books.snapshot(system, day_is_over=False) == before
    assert seed.credentials(system) == known


def test_the_credentials_are_for_their_owner_only(system: LocalSystem) -> None:
    assert system.credentials_file.stat().st_mode & 0o777 == 0o600


def test_the_commands_work_as_printed(
    system: LocalSystem, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run.guide(system, Console(file=io.StringIO()))
    commands = capsys.readouterr().out
    for goes_on_until_ctrl_c in (" --watch", STREAM):
        assert goes_on_until_ctrl_c in commands
        commands = commands.replace(goes_on_until_ctrl_c, "")
    here = as_newcomer(system, tmp_path)
    done = subprocess.run(  # noqa: S603
        ["sh", "-e", "-c", commands],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=here,
    )
    assert done.returncode == 0, done.stderr
    assert '"current_status"' in done.stdout


def test_the_stream_is_printed_until_ctrl_c(
    system: LocalSystem, alice: TradingClient, tmp_path: Path
) -> None:
    printing = subprocess.Popen(  # noqa: S603
        [*STREAM.split(), "--since", str(standing(alice) - 1)],
        stdout=subprocess.PIPE,
        text=True,
        env=as_newcomer(system, tmp_path),
        # A process in the background of a shell ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert printing.stdout is not None
    assert printing.stdout.readline().split()[0] == str(standing(alice))
    printing.send_signal(signal.SIGINT)
    assert printing.wait(PATIENCE_SECONDS) == 0


def test_a_port_in_use_is_reported_with_a_way_out(system: LocalSystem, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="in use") as error:
        server.start(LocalSystem(tmp_path, system.port), keep_state=False)
    assert f"TRADING_PORT={system.port + 1}" in error.value.remedy
