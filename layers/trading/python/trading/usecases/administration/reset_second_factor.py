"""What an operator does for a client who has lost the authenticator and the recovery codes."""

from collections.abc import Callable
from dataclasses import dataclass

from trading.usecases.administration.operator_actions import (
    AuditTrail,
    Operator,
    Registry,
    announced,
)
from trading.usecases.ports import NotFoundError
from trading.usecases.ports.identity import SecondFactors
from trading.usecases.retrying import on_fresh_state


@dataclass(frozen=True)
class ResetSecondFactor:
    """Ends a client's second factor. The policy stays, so the client must enrol a new one before
    the next order that needs one.
    """

    registry: Registry
    factors: SecondFactors
    end_tokens: Callable[[str], None]
    """Ends the tokens of a client, also those that a lost phone has helped to get."""
    audit: AuditTrail

    def __call__(self, client_id: str, operator: Operator) -> None:
        """May be repeated. Raises NotFoundError."""
        if self.registry.profile(client_id) is None:
            raise NotFoundError("There is no such client.", field="client_id")
        subject = f"client/{client_id}"
        with announced(self.audit, operator, subject, "reset-second-factor", "second-factor-reset"):
            self._reset(subject)
            self.end_tokens(client_id)

    @on_fresh_state
    def _reset(self, holder: str) -> None:
        factor = self.factors.of(holder)
        if factor.version and factor != factor.removed():
            self.factors.commit(factor.removed())
