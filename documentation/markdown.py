"""Pieces of Markdown."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. Cells may hold Markdown, but no line break."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    """A name as it is written in the code; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def codes(names: Iterable[object], separator: str = ", ") -> str:
    """Several names."""
    return separator.join(map(code, names))


def paragraph(text: str) -> str:
    """A docstring as one paragraph a block, without the line breaks of the source."""
    blocks = (" ".join(block.split()) for block in text.split("\n\n"))
    return "\n\n".join(filter(None, blocks)) + "\n"


def section(level: int, title: str, *bodies: str, anchor: str = "") -> str:
    """A heading and what stands below it."""
    mark = f" {{ #{anchor} }}" if anchor else ""
    parts = (f"{'#' * level} {title}{mark}", *(body.strip("\n") for body in bodies if body.strip()))
    return "\n\n".join(parts) + "\n"


def page(title: str, *bodies: str) -> str:
    """A whole page."""
    return section(1, title, *bodies)


def mermaid(*lines: str) -> str:
    """A diagram."""
    return "\n".join(("```mermaid", *lines, "```")) + "\n"
