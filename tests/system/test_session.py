"""The whole session that `make run` plays: every order, the close, the settlement and the books."""

import io
import os
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from local import books, run, seed, server
from workstation.local_system import LocalError, LocalSystem


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
    commands = capsys.readouterr().out.replace(" --watch", "")  # which goes on until Ctrl-C
    homes = {name: str(tmp_path / name) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    here = os.environ | homes | {"TRADING_LOCAL_DIR": str(system.directory)}
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


def test_a_port_in_use_is_reported_with_a_way_out(system: LocalSystem, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="in use") as error:
        server.start(LocalSystem(tmp_path, system.port), keep_state=False)
    assert f"TRADING_PORT={system.port + 1}" in error.value.remedy
