"""Hooks of MkDocs: generated pages and the vendored script become files of the site, and a line
`<!-- include: name -->` in a page becomes the fragment of that name.
"""

import re
import sys
from pathlib import Path

# MkDocs loads this file by its path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from documentation.fragments import FRAGMENTS, fragment
from documentation.pages import generated_pages
from documentation.vendor import MERMAID, vendored

INCLUDE = re.compile(r"^<!-- include: (?P<name>[a-z0-9-]+) -->$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, which have no file in docs/."""
    files.append(
        File.generated(config, "assets/mermaid.min.js", abs_src_path=str(vendored(MERMAID)))
    )
    for path, markdown in generated_pages().items():
        files.append(File.generated(config, path, content=markdown))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the fragments that the page includes. Raises PluginError if one does not exist."""

    def render(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in FRAGMENTS:
            raise PluginError(f"{page.file.src_uri} includes {name}, which is no fragment")
        return fragment(name)

    return INCLUDE.sub(render, markdown)
