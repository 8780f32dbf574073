"""Disable and enable the key with which an exchange signs its reports."""

from dataclasses import dataclass
from typing import Protocol

from trading.domain.clients.credentials import CredentialStatus
from trading.domain.clients.venue_keys import VenueKey
from trading.usecases.administration.operator_actions import AuditTrail, Operator, announced
from trading.usecases.ports import NotFoundError


class VenueKeys(Protocol):
    """The keys of the exchanges, never from a cache. None: there is no such exchange."""

    def key(self, venue: str) -> VenueKey | None: ...
    def set_status(self, venue: str, status: CredentialStatus) -> VenueKey | None:
        """Write the status of the key and nothing else of the exchange."""
        ...


@dataclass(frozen=True)
class AdministerVenueKeys:
    """Each change is announced in the audit log, names a state, and may be repeated.

    Reports that a disabled key has signed are refused. The exchange repeats them, so none is lost.
    """

    keys: VenueKeys
    audit: AuditTrail

    def show(self, venue: str) -> VenueKey:
        """Raises NotFoundError."""
        return _found(self.keys.key(venue))

    def set_key(self, venue: str, status: CredentialStatus, operator: Operator) -> VenueKey:
        """Disable or enable the key of an exchange. Raises NotFoundError."""
        is_enabled = status is CredentialStatus.ACTIVE
        words = ("enable-key", "enabled") if is_enabled else ("disable-key", "disabled")
        with announced(self.audit, operator, f"venue/{venue}", *words):
            return _found(self.keys.set_status(venue, status))


def _found(key: VenueKey | None) -> VenueKey:
    if key is None:
        raise NotFoundError("There is no such exchange.", field="venue")
    return key
