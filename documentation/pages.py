"""Generated pages, which have no file in docs/."""

from documentation.reference.api.pages import api_pages


def generated_pages() -> dict[str, str]:
    """Path below docs/ → Markdown."""
    return api_pages()
