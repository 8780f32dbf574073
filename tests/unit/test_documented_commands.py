"""Every command, file and link that the documents name exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.__main__ import app as trading
from ops.__main__ import app as ops

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {"simulation-bugs.md", "costs.md", "load.md", "market-open.md"}
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name not in GENERATED),
]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
FENCE = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
PROGRAMS = {"trading": trading, "ops": ops}
FILES = ("program.pem", "program.pub.pem")
"""The files that examples make, and give to a command afterwards."""
PLACES = ("", "layers/trading/python/", "layers/simulators/python/", "tests/", "docs/")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def shell_commands(text: str) -> Iterator[list[str]]:
    """The commands in the text's shell examples as lists of words, without comments and
    variables.
    """
    for fence in FENCE.findall(text):
        for line in fence.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words.pop(0)
            if words:
                yield words


def inline_commands(text: str) -> Iterator[list[str]]:
    """The commands that prose names, such as `make …`, `ops …` or `bin/trading …`."""
    for code in re.findall(r"`((?:make|ops|bin/trading) [^`]+)`", re.sub(FENCE, "", text)):
        yield shlex.split(code)


def parse(command: Any, words: list[str], parent: Any = None) -> None:
    """Parse a command line as the program would. Raises UsageError."""
    if "--help" in words:
        assert named(command, words[1:]), words
        return
    context = command.make_context(words[0], words[1:], parent=parent)
    if hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        assert rest[0] in command.commands, words
        parse(command.commands[rest[0]], rest, context)


def named(command: Any, words: list[str]) -> bool:
    """Whether the words begin with a command of the program. Prose may leave out arguments."""
    for word in words:
        if not hasattr(command, "commands") or word.startswith("-"):
            return True
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_shell_examples_are_valid_commands(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in FILES:
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)
    for words in shell_commands(page.read_text()):
        program = words[0].rsplit("/", 1)[-1]
        if program == "make":
            check_make(words[1:])
        elif program == "trading":
            parse(typer.main.get_command(trading), ["trading", *words[1:]])
        elif words[1:3] == ["-m", "ops"]:
            parse(typer.main.get_command(ops), ["ops", *words[3:]])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_prose_exist(page: Path) -> None:
    for program, *words in inline_commands(page.read_text()):
        if program == "make":
            check_make(words)
        else:
            known = typer.main.get_command(PROGRAMS[program.rsplit("/", 1)[-1]])
            assert named(known, words), (program, *words)


def check_make(words: list[str]) -> None:
    """Check that the target is one of the Makefile's and that it reads the variables."""
    targets = [word for word in words if "=" not in word and word != "…"]
    variables = [word.split("=")[0] for word in words if "=" in word]
    assert set(targets) <= TARGETS, words
    for variable in variables:
        assert f"$({variable})" in MAKEFILE or f"or $({variable})" in MAKEFILE, variable


@pytest.mark.parametrize("page", PAGES[:2], ids=name)
def test_every_link_outside_of_the_site_has_a_target(page: Path) -> None:
    """The site's build checks the links of its pages."""
    for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text()):
        assert (page.parent / link.replace("\n  ", " ").strip()).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_named_file_exists(page: Path) -> None:
    for path in re.findall(r"`([a-z_]+/[\w/.-]+\.(?:py|md|json|toml|lock))`", page.read_text()):
        if "NAME" not in path:
            assert any((ROOT / place / path).exists() for place in PLACES), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_modules_that_are_named_exist(page: Path) -> None:
    for module in re.findall(r"`((?:trading|simulators)(?:\.[a-z_]+)+)`", page.read_text()):
        path = module.replace(".", "/")
        named = [
            ROOT / place / f"{path}{ending}"
            for place in PLACES
            for ending in (".py", "/__init__.py")
        ]
        assert any(each.exists() for each in named), module
