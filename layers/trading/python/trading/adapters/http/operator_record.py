"""What operators looked at, and what they were refused, in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.http.problems import unavailable
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.runtime.observability import logger
from trading.domain.clients.roles import LOOK

WriteEntry = Callable[[str, str, str, str, Mapping[str, str]], object]
"""Writes subject, action, who, reason and details into the audit log. Then the entry is durable."""
LONGEST_PATH = 300
"""Characters of a path that an entry keeps."""


class OperatorRecord:
    """Writes entries that no change of the books announces.

    What cannot be recorded is answered with 503, so that each answer has its entry.
    """

    def __init__(self, write: WriteEntry) -> None:
        self._write_entry = write

    def refused(self, app: ApiResolver, permission: str) -> None:
        """Record that the operator asked for a route without its permission.

        Raises HttpError 503 if the audit log does not take the entry.
        """
        subject = f"operator/{app.principal.client_id}"
        self._write(app, subject, "refused", f"lacks the permission {permission}")

    def look(self, app: ApiResolver, client_id: str, what: str, **details: str) -> None:
        """Record that the operator looks at something of a client. Nothing is shown before.

        Raises HttpError 503 if the audit log does not take the entry.
        """
        self._write(app, f"client/{client_id}", LOOK, what, **details)

    def look_for_order(self, app: ApiResolver, order_id: str) -> None:
        """Record that the operator looks for an order that does not exist. Raises HttpError 503."""
        self._write(app, f"order/{order_id[:LONGEST_PATH]}", LOOK, "order")

    def _write(
        self, app: ApiResolver, subject: str, action: str, reason: str, **details: str
    ) -> None:
        principal = app.principal
        asked = {
            "method": app.event.http_method,
            "path": app.event.path[:LONGEST_PATH],
            "request_id": app.request_id,
            "correlation_id": app.correlation_id,
        }
        try:
            self._write_entry(subject, action, principal.who, reason, asked | details)
        except (ClientError, BotoCoreError) as error:
            logger.exception("the audit log does not take an entry")
            raise unavailable("The audit log does not answer. Try again.") from error
