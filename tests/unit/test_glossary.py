"""docs/glossary.md and the code use the same words. Every public class and every status of the
domain is an entry. Every entry is a name in the code or is marked as a term of the field.
`NetPosition` and `net_position` both become "net position". Errors need no entry, because their
codes are in the reference. The base classes below need none either.
"""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = ROOT / "layers" / "trading" / "python" / "trading" / "domain"
CODE = [
    path
    for folder in ("layers/trading", "layers/simulators", "functions", "infra", "ops")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
BASES = {"Frozen", "Versioned", "Coded", "Readable"}
STATUSES = ("Status", "TimeInForce")
ENTRY = re.compile(r"^\*\*(?P<term>[^*]+)\*\*(?P<field> \*\(field\)\*)?:", re.MULTILINE)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

ENTRIES = {
    match["term"]: match["field"] is not None
    for match in ENTRY.finditer((ROOT / "docs" / "glossary.md").read_text())
}


def words(name: str) -> str:
    """An identifier as the glossary writes it."""
    return " ".join(word.lower() for word in WORD.findall(name))


def classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """The public classes of a module."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node


def names_of_the_domain() -> Iterator[str]:
    """The required entries: classes, and the members of statuses."""
    for path in sorted(DOMAIN.rglob("*.py")):
        for node in classes(ast.parse(path.read_text())):
            if not node.name.endswith("Error") and node.name not in BASES:
                yield words(node.name)
            if node.name.endswith(STATUSES):
                yield from (
                    member.targets[0].id
                    for member in node.body
                    if isinstance(member, ast.Assign) and isinstance(member.targets[0], ast.Name)
                )


def identifiers() -> Iterator[str]:
    """Every name that the code defines: modules, classes, functions, variables and keys."""
    for path in CODE:
        yield path.stem
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                    yield name
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                    yield name
                case ast.Constant(value=str(text)) if re.fullmatch(r"[A-Za-z_.-]+", text):
                    yield text


def test_every_class_and_status_of_the_domain_is_in_the_glossary() -> None:
    known = ENTRIES.keys() | {term.lower() for term in ENTRIES}
    missing = sorted({name for name in names_of_the_domain() if name not in known})
    assert missing == [], "add them to docs/glossary.md, with one or two sentences each"


def test_every_entry_is_a_name_in_the_code_or_marked_as_a_term_of_the_field() -> None:
    text = f" {'  '.join(sorted({words(name) for name in identifiers()}))} "
    unknown = [
        term
        for term, of_the_field in ENTRIES.items()
        if not of_the_field and f" {words(term)} " not in text
    ]
    assert unknown == [], "the code has no such name: rename the entry, or mark it *(field)*"


def test_the_entries_are_unique_and_in_alphabetical_order() -> None:
    found = [match["term"] for match in ENTRY.finditer((ROOT / "docs/glossary.md").read_text())]
    keys = [re.sub(r"[^a-z0-9]", "", term.lower()) for term in found]
    assert [(a, b) for a, b in pairwise(keys) if a > b] == []
    assert len(found) == len(set(found))
