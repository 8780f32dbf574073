"""Code is deployed with the bytecode of the Python that runs it."""

import importlib.util
import marshal
import sys
from pathlib import Path
from types import CodeType

import pytest

from infra import bytecode
from infra.bytecode import compiled, compiler

VERSION = "{}.{}".format(*sys.version_info)
UNCHECKED_HASH = 0b01
HEADER_BYTES = 16


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    directory = tmp_path / "orders"
    directory.mkdir()
    (directory / "handler.py").write_text("NAMES = {'a', 'b'} | frozenset({'c', 'd'})\n")
    return directory


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_copy_has_bytecode_that_python_loads_without_a_look_at_the_source(
    sources: Path, tmp_path: Path
) -> None:
    found = files(compiled(sources, "functions/orders", VERSION, "/var/task", tmp_path / "code"))
    source, module = sorted(found, key=len)
    assert source == "functions/orders/handler.py"
    assert found[module][:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(found[module][4:8], "little") == UNCHECKED_HASH
    code = marshal.loads(found[module][HEADER_BYTES:])  # noqa: S302
    assert isinstance(code, CodeType)
    assert code.co_filename == "/var/task/functions/orders/handler.py"


def test_the_same_sources_give_the_same_bytes(sources: Path, tmp_path: Path) -> None:
    first, second = (
        compiled(sources, ".", VERSION, "/opt", tmp_path / staging) for staging in ("1", "2")
    )
    assert first.name == second.name
    assert files(first) == files(second)


def test_a_changed_source_gives_another_copy(sources: Path, tmp_path: Path) -> None:
    before = compiled(sources, ".", VERSION, "/opt", tmp_path / "code")
    (sources / "handler.py").write_text("NAMES = ()\n")
    assert compiled(sources, ".", VERSION, "/opt", tmp_path / "code") != before


def test_bytecode_that_lies_about_is_not_deployed(sources: Path, tmp_path: Path) -> None:
    (sources / "__pycache__").mkdir()
    (sources / "__pycache__" / "handler.cpython-39.pyc").write_bytes(b"old")
    found = files(compiled(sources, ".", VERSION, "/opt", tmp_path / "code"))
    assert not any("cpython-39" in name for name in found)


def test_without_the_right_python_the_sources_are_deployed_alone(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bytecode = compiled(sources, ".", VERSION, "/opt", tmp_path / "code")
    monkeypatch.setattr(bytecode, "compiler", lambda version: None)
    alone = compiled(sources, ".", VERSION, "/opt", tmp_path / "code")
    assert list(files(alone)) == ["handler.py"]
    assert alone != with_bytecode


def test_a_program_that_does_not_start_is_no_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "python9.9"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiler("9.9") is None
