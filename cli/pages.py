"""Lists that come in pages."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cli.api import Api
from cli.session import Session


def fetch(api: Api, path: str, query: Mapping[str, Any], everything: bool) -> dict[str, Any]:
    """Return a page, or with `everything` one page that holds all items. Raises Failure."""
    page: dict[str, Any] = api.get(path, **query)
    items = page["items"]
    while everything and page["next_cursor"]:
        page = api.get(path, **{**query, "cursor": page["next_cursor"]})
        items += page["items"]
    return page | {"items": items}


def csv_lines(
    session: Session, path: str, query: Mapping[str, Any], everything: bool
) -> Iterator[str]:
    """Yield a page as CSV lines, or with `everything` all pages under one header.
    Raises Failure.
    """
    has_header = False
    cursor = query["cursor"]
    while True:
        answer = session.api.text(path, "text/csv", **{**query, "cursor": cursor})
        header, *lines = answer.text.splitlines(keepends=True)
        if not has_header:
            yield header
            has_header = True
        yield from lines
        following = answer.links.get("next", {}).get("url")
        cursor = parse_qs(urlsplit(following).query)["cursor"][0] if following else None
        if not cursor or not everything:
            tell_of_more(session, cursor)
            return


def tell_of_more(session: Session, cursor: str | None) -> None:
    """Tell the user how to get the next page, if there is one."""
    if cursor:
        session.note(f"There may be more: --all, or --cursor {cursor}")
