"""Disable and enable the key with which an exchange signs its reports."""

from dataclasses import dataclass

from trading.domain.clients.credentials import CredentialStatus
from trading.domain.clients.venue_keys import VenueKey
from trading.domain.reference.instruments import Exchange
from trading.usecases.administration.operator_actions import (
    AuditTrail,
    Operator,
    Registry,
    announced,
)
from trading.usecases.ports import NotFoundError
from trading.usecases.retrying import on_fresh_state


@dataclass(frozen=True)
class AdministerVenueKeys:
    """Each change is announced in the audit log, names a state, and may be repeated.

    Reports that a disabled key has signed are refused. The exchange repeats them, so none is lost.
    """

    registry: Registry
    audit: AuditTrail

    def show(self, venue: str) -> VenueKey:
        """Raises NotFoundError."""
        return self._exchange(venue).key

    def set_key(self, venue: str, status: CredentialStatus, operator: Operator) -> VenueKey:
        """Disable or enable the key of an exchange. Raises NotFoundError."""
        is_enabled = status is CredentialStatus.ACTIVE
        words = ("enable-key", "enabled") if is_enabled else ("disable-key", "disabled")
        with announced(self.audit, operator, f"venue/{venue}", *words):
            return self._set(venue, status).key

    @on_fresh_state
    def _set(self, venue: str, status: CredentialStatus) -> Exchange:
        exchange = self._exchange(venue)
        if exchange.key_status is status:
            return exchange
        changed = exchange.with_key_status(status)
        self.registry.commit(changed)
        return changed.saved()

    def _exchange(self, venue: str) -> Exchange:
        exchange = self.registry.exchange(venue)
        if exchange is None:
            raise NotFoundError("There is no such exchange.", field="venue")
        return exchange
