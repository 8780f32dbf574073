"""Every decision has the same form and is in the index."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = sorted(DECISIONS.glob("[0-9]*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_has_a_context_and_its_rejected_alternatives(page: Path) -> None:
    text = page.read_text()
    assert re.match(rf"# {int(page.name[:4])}\. .+\n\nDecided on \d{{4}}-\d\d-\d\d\. Area: ", text)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Rejected", "Consequences"]


def test_the_index_lists_every_decision_once() -> None:
    index = (DECISIONS / "index.md").read_text()
    listed = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \|$", index, re.MULTILINE)
    titles = [page.read_text().splitlines()[0].removeprefix("# ") for page in PAGES]
    assert [(f"{number}. {title}", name) for number, title, name in listed] == [
        (title, page.name) for title, page in zip(titles, PAGES, strict=True)
    ]


def test_the_packages_in_lambda_are_those_of_the_project() -> None:
    (page,) = DECISIONS.glob("*-what-runs-in-lambda.md")
    rows = re.findall(r"^\| (`.*`) \|", page.read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert named == {re.split(r"[>=<]", package)[0] for package in project["dependencies"]}
