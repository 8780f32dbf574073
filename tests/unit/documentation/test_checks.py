"""The checks of the built site find the errors that they are for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from documentation import checks
from documentation.checks import POLICY, findings

Write = Callable[[str, str], None]
HEAD = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(path: str, body: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"<html><head>{HEAD}</head><body>{body}</body></html>")

    return _write


def test_working_links_are_no_finding(tmp_path: Path, write: Write) -> None:
    write("index.html", '<a href="a/#part">A</a><a href="https://example.com">elsewhere</a>')
    write("a/index.html", '<h1 id="part">Part</h1><a href="..">up</a><a href="#part">here</a>')
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ('<a href="gone/">', "links to gone/, which is not there"),
        ('<a href="#gone">', "links to #gone, which is not there"),
        ('<img src="gone.png">', "loads gone.png, which is not there"),
        ('<script src="https://cdn.example/x.js"></script>', "loads https://cdn.example/x.js"),
        ('<script src="//cdn.example/x.js"></script>', "loads //cdn.example/x.js"),
        ('<link href="https://fonts.example/f" rel="stylesheet">', "loads https://fonts.example/f"),
    ],
)
def test_dead_links_and_links_to_other_hosts_are_found(
    body: str, finding: str, tmp_path: Path, write: Write
) -> None:
    write("index.html", body)
    assert findings(tmp_path) == [f"index.html: {finding}"]


def test_a_malformed_diagram_is_found(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser here knows one error. Mermaid's own parser needs node and a script:
    `make docs`.
    """

    def errors_of(diagrams: list[str]) -> list[str | None]:
        return [None if text == "A --> B" else "line 1" for text in diagrams]

    monkeypatch.setattr(checks, "errors_of", errors_of)
    write("good.html", '<pre class="mermaid"><code>A --&gt; B</code></pre>')
    write("bad.html", '<pre class="mermaid"><code>A --&gt;</code></pre>')
    assert findings(tmp_path) == ["bad.html: has a diagram that is not well formed: line 1"]


def test_a_page_must_forbid_other_hosts(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html></html>")
    assert findings(tmp_path) == [
        "index.html: no content security policy forbids what other hosts serve"
    ]


def test_a_style_sheet_must_not_load_from_another_host(tmp_path: Path) -> None:
    (tmp_path / "site.css").write_text('@import url("https://fonts.example/f.css");')
    assert findings(tmp_path) == ["site.css: loads https://fonts.example/f.css"]
