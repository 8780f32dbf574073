"""How a change of an operator is sent and shown."""

from collections.abc import Mapping
from typing import Any

from cli import admin_proposals, view
from cli.api import new_key
from cli.session import Session

CLIENTS = "/api/v1/admin/clients"


def send(
    session: Session, method: str, path: str, key: str | None, body: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Send a change under its idempotency key, which is shown first. Return the answer."""
    answer: Mapping[str, Any] = session.api.change(method, path, session.key(key, new_key()), body)
    return answer


def change(
    session: Session, title: str, method: str, path: str, key: str | None, body: Mapping[str, Any]
) -> None:
    """Send a change, and show what it has made, or that another operator must approve it."""
    answer = send(session, method, path, key, body)
    if "proposal_id" in answer:
        admin_proposals.show_proposed(session, answer)
    else:
        session.show(answer, view.record(title, answer))


def change_client(
    session: Session,
    client_id: str,
    method: str,
    what: str,
    key: str | None,
    reason: str,
    body: Mapping[str, Any] | None = None,
) -> None:
    """Change something of a client."""
    path = f"{CLIENTS}/{client_id}/{what}"
    change(session, f"Client {client_id}", method, path, key, {**(body or {}), "reason": reason})
