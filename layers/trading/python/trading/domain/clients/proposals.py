"""Changes that need a second person: one operator proposes, another one approves or rejects.

docs/explanation/operators.md has the rules.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from trading.domain.clients.client import Limits
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.values import Frozen, Money, Timestamp, Versioned

VALID_FOR = timedelta(days=7)
KEPT_FOR = timedelta(days=90)
"""After its proposal. The audit log and the ledger have what was done for ever."""


class OwnProposalError(DomainError):
    """Nobody approves an own proposal, whichever key is used."""

    code = ErrorCode.OWN_PROPOSAL
    kind = ErrorKind.FORBIDDEN


class ProposalDecidedError(DomainError):
    """The proposal was approved or rejected before. details: `status`, `decided_by`."""

    code = ErrorCode.PROPOSAL_DECIDED
    kind = ErrorKind.CONFLICT


class ProposalExpiredError(DomainError):
    """Nobody has decided in time. details: `valid_until`."""

    code = ErrorCode.PROPOSAL_EXPIRED
    kind = ErrorKind.CONFLICT


class ProposedChange(StrEnum):
    """What can be proposed."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    ADVANCE_CLOSURE = "advance-closure"
    LIMITS = "limits"


class ProposalStatus(StrEnum):
    """What has become of a proposal."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class Decision(Frozen):
    """What was decided. by: the operator, whatever the key. who: operator and key."""

    status: ProposalStatus
    by: str
    who: str
    reason: str
    at: Timestamp


class Proposal(Versioned):
    """A change that an operator has asked for, as it was asked for.

    subject: the client, or the reversal whose advance is to be closed. request: the fields of the
    request, as a JSON object. value: what it was judged on, in the client's currency.
    proposed_by: the operator, whatever the key. proposed_with: operator and key.
    with_code: a code of the client was used for this withdrawal, so the approval needs none.
    """

    proposal_id: str
    change: ProposedChange
    client_id: str
    subject: str
    request: str
    value: Money
    proposed_by: str
    proposed_with: str
    reason: str
    proposed_at: Timestamp
    with_code: bool = False
    decision: Decision | None = None

    @property
    def valid_until(self) -> datetime:
        return self.proposed_at + VALID_FOR

    @property
    def kept_until(self) -> datetime:
        """From then on the table may forget it."""
        return self.proposed_at + KEPT_FOR

    def status(self, now: datetime) -> ProposalStatus:
        if self.decision is not None:
            return self.decision.status
        return ProposalStatus.EXPIRED if now >= self.valid_until else ProposalStatus.PENDING

    def confirmed(self) -> "Proposal":
        """A code of the client was used for it."""
        return self.but(with_code=True)

    def decided(self, decision: Decision) -> "Proposal":
        """Approve or reject. The operator who proposed may reject, which takes the proposal back.

        The same decision again, by the same operator, changes nothing. Raises OwnProposalError,
        ProposalDecidedError, ProposalExpiredError.
        """
        is_approval = decision.status is ProposalStatus.APPROVED
        if is_approval and decision.by == self.proposed_by:
            raise OwnProposalError("another operator must approve this proposal")
        if known := self.decision:
            if (known.status, known.by) == (decision.status, decision.by):
                return self
            raise ProposalDecidedError(
                f"{known.by} has decided: {known.status.lower()}",
                details={"status": known.status, "decided_by": known.by},
            )
        if decision.at >= self.valid_until:
            raise ProposalExpiredError(
                "nobody has decided in time; propose the change again",
                details={"valid_until": self.valid_until.isoformat()},
            )
        return self.but(decision=decision)


class SecondPersonRule(Frozen):
    """What one operator may do alone: transfers and closures worth up to `transfers`, and raised
    limits of up to `limits`, in the client's currency.
    """

    transfers: Money
    limits: Money

    def transfer_needs(self, value: Decimal) -> bool:
        """Whether a transfer of this value needs a second person."""
        return value > self.transfers

    def limits_need(self, before: Limits | None, after: Limits) -> Decimal | None:
        """The greatest limit that needs a second person. None: one operator may set them.

        Lower limits need nobody, wherever they end. A lower margin raises what is lent, so it
        counts as a higher credit limit. `before`: None for a new client.
        """
        raised = []
        if before is None or after.daily_trading_limit > before.daily_trading_limit:
            raised.append(after.daily_trading_limit)
        if (
            before is None
            or after.credit_limit > before.credit_limit
            or after.margin_percent < before.margin_percent
        ):
            raised.append(after.credit_limit)
        return max((each for each in raised if each > self.limits), default=None)
