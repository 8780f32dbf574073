"""Pieces of Markdown."""

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`[^`]*`)")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing without rows. Cells may hold Markdown; a line break becomes a blank."""
    body = list(rows)
    if not body:
        return ""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    """A pipe ends a cell, but for one in code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if part.startswith("`") else part.replace("|", "\\|") for part in parts)


def code(text: object) -> str:
    """A name as it is written in the code; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def codes(names: Iterable[object], separator: str = ", ") -> str:
    """Several names."""
    return separator.join(map(code, names))


def link(text: str, target: str) -> str:
    """A link."""
    return f"[{text}]({target})"


def paragraph(text: str) -> str:
    """A docstring, one line a paragraph, without the line breaks of the source."""
    blocks = (" ".join(block.split()) for block in text.split("\n\n"))
    return "\n\n".join(filter(None, blocks))


def first_paragraph(text: str | None) -> str:
    """What a docstring says first, as one line."""
    return " ".join((text or "").split("\n\n")[0].split())


def bullets(items: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {item}" for item in items)


def section(level: int, title: str, *bodies: str, anchor: str = "") -> str:
    """A heading and what stands below it. Empty bodies are left out."""
    mark = f" {{ #{anchor} }}" if anchor else ""
    parts = (f"{'#' * level} {title}{mark}", *(body.strip("\n") for body in bodies if body.strip()))
    return "\n\n".join(parts) + "\n"


def json_block(text: str) -> str:
    """JSON as it is sent."""
    return f"```json\n{text}\n```"


def mermaid(*lines: str) -> str:
    """A diagram."""
    return "\n".join(("```mermaid", *lines, "```")) + "\n"
