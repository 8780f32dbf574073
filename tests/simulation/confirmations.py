"""The withdrawals that a client has confirmed with a code, by the items as written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.items import plain
from tests.simulation.violations import ViolationError

KNOWN_WITHIN = 60.0
"""Seconds. A function that has read the policy before has ended by then."""


@dataclass
class Confirmations:
    """Which withdrawals a client has confirmed with a code, by the items as written."""

    now: Callable[[], float]
    _since: dict[str, float] = field(default_factory=dict)
    """When the client protected withdrawals."""
    _used: set[tuple[str, str]] = field(default_factory=set)
    """The holder of each code that was used, and the request that used it."""

    def client(self, after: Any) -> None:
        """A profile was written."""
        client_id = after["client_id"]["S"]
        if after.get("second_factor_to_withdraw", {}).get("BOOL", False):
            self._since.setdefault(client_id, self.now())
        else:
            self._since.pop(client_id, None)

    def factor(self, after: Any) -> None:
        """A second factor was written."""
        factor = plain(after)
        requests = [each["request"] for each in factor.get("used_recovery_codes", ())]
        requests.append(factor.get("last_request"))
        self._used.update((factor["holder"], request) for request in requests if request)

    def withdrawn(self, client_id: str, withdrawal_id: str) -> None:
        """A withdrawal is booked or proposed. Raises ViolationError."""
        since = self._since.get(client_id)
        if since is None or self.now() < since + KNOWN_WITHIN:
            return
        if (f"client/{client_id}", withdrawal_id) not in self._used:
            raise ViolationError(
                "a protected withdrawal uses a code of the client", client_id, withdrawal_id
            )
