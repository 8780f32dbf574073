"""What the admin API shows of proposals."""

import json
from datetime import datetime
from typing import Self

from trading.adapters.faces.admin import ClosedAdvanceView, ProfileView, TransferView
from trading.domain.clients.proposals import Proposal, ProposalStatus, ProposedChange
from trading.domain.values import Frozen, Money, Timestamp


class ProposalView(Frozen):
    """A change that needs a second person. `subject` is the client, or the reversal whose advance
    is to be closed. `value` is the amount on which the need was judged. `request` has the fields of
    the request, except its reason. `with_code` says whether a code of the client was used for a
    withdrawal.
    """

    proposal_id: str
    change: ProposedChange
    client_id: str
    subject: str
    status: ProposalStatus
    value: Money
    request: dict[str, str | int]
    reason: str
    with_code: bool
    proposed_by: str
    proposed_at: Timestamp
    valid_until: Timestamp
    decided_by: str | None
    decision_reason: str | None
    decided_at: Timestamp | None

    @classmethod
    def of(cls, proposal: Proposal, now: datetime) -> Self:
        decision = proposal.decision
        return cls(
            **proposal.model_dump(
                include={
                    "proposal_id",
                    "change",
                    "client_id",
                    "subject",
                    "value",
                    "reason",
                    "with_code",
                    "proposed_by",
                    "proposed_at",
                }
            ),
            status=proposal.status(now),
            request=json.loads(proposal.request),
            valid_until=proposal.valid_until,
            decided_by=decision and decision.by,
            decision_reason=decision and decision.reason,
            decided_at=decision and decision.at,
        )


class ProposalLine(Frozen):
    """A proposal in a list."""

    proposal_id: str
    change: ProposedChange
    client_id: str
    proposed_by: str
    proposed_at: Timestamp
    valid_until: Timestamp

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        kept = set(cls.model_fields) - {"valid_until"}
        return cls(**proposal.model_dump(include=kept), valid_until=proposal.valid_until)


class PendingProposals(Frozen):
    """The proposals that can be decided, the oldest first. A new one may be missing briefly."""

    items: tuple[ProposalLine, ...]


class DoneOrProposed(Frozen):
    """What a request led to: the change, or a proposal of it. Kept under its Idempotency-Key."""

    done: TransferView | ClosedAdvanceView | ProfileView | None = None
    proposal: ProposalView | None = None
