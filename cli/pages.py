"""Lists that come in pages."""

from collections.abc import Mapping
from typing import Any

from cli.api import Api
from cli.session import Session


def fetch(
    api: Api, path: str, query: Mapping[str, Any], limit: int, cursor: str | None, everything: bool
) -> dict[str, Any]:
    """A page as the API answers it; of everything, one that holds all. Raises Failure."""
    page: dict[str, Any] = api.get(path, **query, limit=limit, cursor=cursor)
    items = page["items"]
    while everything and page["next_cursor"]:
        page = api.get(path, **query, limit=limit, cursor=page["next_cursor"])
        items += page["items"]
    return page | {"items": items}


def tell_of_more(session: Session, page: Mapping[str, Any]) -> None:
    """How to go on, if there is more."""
    if page["next_cursor"]:
        session.note(f"There may be more: --all, or --cursor {page['next_cursor']}")
