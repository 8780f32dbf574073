"""Pages that people write obey the rules of prose that a machine can check: short lines, short
sentences, no `he`. The site's build checks the links.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        DOCS / "index.md",
        *(DOCS / "tutorial").rglob("*.md"),
        *(DOCS / "how-to").rglob("*.md"),
        *(DOCS / "explanation").rglob("*.md"),
        *(DOCS / "decisions").rglob("*.md"),
        DOCS / "glossary.md",
    ]
)
LINE, WORDS = 100, 25
PRONOUN = re.compile(r"\b(he|his|him)\b", re.IGNORECASE)
LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
MARKER = re.compile(r"([-*]|\d+\.|#+) ")


def blocks(text: str) -> Iterator[str]:
    """The text's paragraphs, list items, headings and cells, each on one line, without
    fenced code.
    """
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        stripped = line.strip()
        if stripped.startswith("|"):
            yield from (cell.strip() for cell in stripped.strip("|").split("|"))
        elif not stripped or MARKER.match(stripped):
            yield " ".join(block)
            block = [MARKER.sub("", stripped, count=1)] if stripped else []
        else:
            block.append(stripped)


def sentences(text: str) -> Iterator[str]:
    """The sentences of the text. A link or a piece of code counts as the words that it shows."""
    for block in blocks(text):
        shown = re.sub(r"`[^`]*`", "code", LINK.sub(r"\1", block))
        yield from re.split(r"(?<=[.?!])[*)\"]*\s+", shown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_has_short_lines_short_sentences_and_no_he(page: Path) -> None:
    text = page.read_text()
    wrong = [
        f"line of {len(line)}: {line}"
        for line in re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE).splitlines()
        if len(line) > LINE and not line.lstrip().startswith("|")
    ]
    for sentence in sentences(text):
        if len(sentence.split()) > WORDS:
            wrong.append(f"sentence of {len(sentence.split())} words: {sentence}")
        if PRONOUN.search(sentence):
            wrong.append(f"he: {sentence}")
    assert wrong == []


def test_the_checked_pages_exist() -> None:
    assert len(PAGES) > 15
