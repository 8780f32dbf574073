"""Pages that no file in docs/ holds, by their path there."""


def generated_pages() -> dict[str, str]:
    """Path below docs/ → Markdown."""
    return {}
