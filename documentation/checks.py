"""Checks of the built site: each link and anchor of our own exists, no page asks another
host for anything, each diagram is well formed, and so is the AsyncAPI document.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from documentation import asyncapi_checks
from documentation.diagram_checks import errors_of

LOADED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "img": ("src", "srcset"),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
}
"""Attributes whose address a browser asks for by itself."""
IN_STYLE_SHEET = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")
POLICY = "default-src 'self'"


class Document(HTMLParser):
    """A page's ids, where its links lead, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.policies: list[str] = []
        self.diagrams: list[str] = []
        self._in_diagram = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag names."""
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "meta" and values.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(values["content"])
        self.loaded += [values[name] for name in LOADED.get(tag, ()) if name in values]
        if tag == "pre" and values.get("class") == "mermaid":
            self._in_diagram = True
            self.diagrams.append("")

    def handle_data(self, data: str) -> None:
        """Collect the text of a diagram."""
        if self._in_diagram:
            self.diagrams[-1] += data

    def handle_endtag(self, tag: str) -> None:
        """Notice the end of a diagram."""
        if tag == "pre":
            self._in_diagram = False


def findings(site: Path) -> list[str]:
    """Return the errors of the site, one a line."""
    found = [
        f"{file.relative_to(site)}: {finding}"
        for file in sorted(site.rglob("*"))
        for finding in CHECKS.get(file.suffix, _nothing)(site, file)
    ]
    return [*found, *_of_diagrams(site), *_of_asyncapi(site)]


def _of_asyncapi(site: Path) -> Iterator[str]:
    for file in sorted(site.rglob("asyncapi.json")):
        for error in asyncapi_checks.errors_of(json.loads(file.read_text())):
            yield f"{file.relative_to(site)}: {error}"


def _of_diagrams(site: Path) -> Iterator[str]:
    diagrams = [
        (page, text) for page in sorted(site.rglob("*.html")) for text in _document(page).diagrams
    ]
    errors = errors_of([text for _, text in diagrams]) if diagrams else []
    for (page, _), error in zip(diagrams, errors, strict=True):
        if error is not None:
            yield f"{page.relative_to(site)}: has a diagram that is not well formed: {error}"


def _nothing(_site: Path, _file: Path) -> Iterator[str]:
    yield from ()


def _of_style_sheet(_site: Path, sheet: Path) -> Iterator[str]:
    for address in IN_STYLE_SHEET.findall(sheet.read_text()):
        yield f"loads {address}"


def _of_page(site: Path, page: Path) -> Iterator[str]:
    document = _document(page)
    if not any(policy.startswith(POLICY) for policy in document.policies):
        yield "no content security policy forbids what other hosts serve"
    for address in document.loaded:
        if urlsplit(address).netloc:
            yield f"loads {address}"
        elif not address.startswith("data:") and not _target(site, page, address).exists():
            yield f"loads {address}, which is not there"
    for link in document.links:
        if not _leads_somewhere(site, page, link):
            yield f"links to {link}, which is not there"


def _leads_somewhere(site: Path, page: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = _target(site, page, link)
    if not target.is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or target.suffix != ".html" or anchor in _document(target).ids


def _target(site: Path, page: Path, link: str) -> Path:
    """The file that a link within the site leads to."""
    path = unquote(urlsplit(link).path)
    if not path:
        return page
    target = site / path.lstrip("/") if path.startswith("/") else (page.parent / path).resolve()
    return target / "index.html" if target.is_dir() else target


CHECKS = {".html": _of_page, ".css": _of_style_sheet}


@cache
def _document(page: Path) -> Document:
    return Document(page.read_text())
