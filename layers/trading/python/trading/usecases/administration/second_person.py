"""Changes above a set amount: one operator proposes them, and another one approves or rejects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Protocol

from trading.domain.clients.client import Client, Limits
from trading.domain.clients.proposals import (
    VALID_FOR,
    Decision,
    OwnProposalError,
    Proposal,
    ProposalStatus,
    ProposedChange,
    SecondPersonRule,
)
from trading.domain.errors import DomainError, ErrorCode
from trading.domain.ledger import Reversal
from trading.domain.values import cents
from trading.usecases.administration.operator_actions import (
    Approval,
    AuditTrail,
    Operator,
    Registry,
    TriedOut,
    announced,
)
from trading.usecases.administration.transfer_assets import Cash, Shares
from trading.usecases.ports import Clock, LastPrices, NotFoundError, StaleError
from trading.usecases.retrying import on_fresh_state


class SecondPersonRequiredError(DomainError):
    """One operator may not give a new client such limits. details: `limit`, the amount up to which
    one may.
    """

    code = ErrorCode.SECOND_PERSON_REQUIRED


class Proposals(Protocol):
    """All proposals. `pending` reads an index, which lags behind by moments. It has those since a
    time that nobody has decided, the oldest first.
    """

    def proposal(self, proposal_id: str) -> Proposal | None: ...
    def pending(self, since: datetime) -> Sequence[Proposal]: ...


@dataclass(frozen=True)
class ChangeRequest:
    """A change as an operator asks for it. The fields are those of `Proposal`."""

    proposal_id: str
    change: ProposedChange
    client_id: str
    subject: str
    request: str


@dataclass(frozen=True)
class SecondPerson:
    """Says what needs a second person, and keeps what was proposed until that person decides.

    An approval is written in the transaction of the change. So a change is carried out once, and no
    change is carried out that was rejected.
    """

    registry: Registry
    proposals: Proposals
    prices: LastPrices
    audit: AuditTrail
    clock: Clock
    rule: SecondPersonRule

    def check_new(self, client: Client) -> None:
        """Raise SecondPersonRequiredError for a new client with limits that one operator may not
        give.
        """
        if self.rule.limits_need(None, client.limits) is not None:
            above = client.credit_limit > self.rule.limits
            raise SecondPersonRequiredError(
                f"a new client has limits of at most {self.rule.limits}; raise them afterwards, "
                "which a second operator approves",
                field="credit_limit" if above else "daily_trading_limit",
                details={"limit": str(self.rule.limits)},
            )

    def limits_need(self, client_id: str, limits: Limits, version: int) -> Decimal | None:
        """The greatest of these limits that needs a second person. `version` is the version of the
        client that the operator has seen.

        If the client has another version now, it may still reach the named one before the limits
        are set. So every high limit counts then. To set limits of an unknown client is refused
        anyway.
        """
        client = self.registry.profile(client_id)
        if client is None:
            return None
        seen = client.limits if client.version == version else None
        return self.rule.limits_need(seen, limits)

    def transfer_needs(self, what: Cash | Shares) -> Decimal | None:
        """The value of the transfer, if it needs a second person.

        Shares count at the last price or at the reference price, whichever is higher. So a trade at
        a low price lets no large transfer pass. A deposit counts at its cost, if that is more.
        Raises PriceNotReadError.
        """
        if isinstance(what, Cash):
            return self._above(what.amount)
        return self._above(max(self._worth(what.symbol, what.quantity), what.cost or Decimal(0)))

    def closure_needs(self, reversal: Reversal) -> Decimal | None:
        """What was advanced, if the close needs a second person. Raises PriceNotReadError."""
        shares = self._worth(reversal.symbol, reversal.advanced_shares)
        return self._above(reversal.advanced_cash + shares)

    def _above(self, value: Decimal) -> Decimal | None:
        return cents(value) if self.rule.transfer_needs(value) else None

    def _worth(self, symbol: str, quantity: int) -> Decimal:
        last = self.prices.last(symbol)
        instrument = self.registry.instrument(symbol)
        prices = [last.price] if last else []
        prices += [instrument.reference_price] if instrument else []
        return quantity * max(prices, default=Decimal(0))

    def propose(
        self,
        request: ChangeRequest,
        value: Decimal,
        operator: Operator,
        try_out: Callable[[], TriedOut],
    ) -> Proposal | None:
        """Keep a change until a second person decides. The same request again finds its proposal,
        as it is now. `try_out` raises what the change would raise now. If it says that the change
        was made before, there is nothing to propose: the answer is None.
        """
        proposal = Proposal(
            proposal_id=request.proposal_id,
            change=request.change,
            client_id=request.client_id,
            subject=request.subject,
            request=request.request,
            value=value,
            proposed_by=operator.name,
            proposed_with=operator.who,
            reason=operator.reason,
            proposed_at=self.clock(),
        )
        with announced(
            self.audit, operator, _about(proposal), "propose", "proposed", **_facts(proposal)
        ):
            return self._kept(proposal, try_out)

    @on_fresh_state
    def _kept(self, proposal: Proposal, try_out: Callable[[], TriedOut]) -> Proposal | None:
        """The stored proposal, or the new one. DynamoDB may also refuse a write because of another
        transaction, so a refused write does not prove that the proposal is stored.
        """
        known = self.proposals.proposal(proposal.proposal_id)
        if known is not None:
            return known
        tried = try_out()
        if tried.was_made:
            return None
        if tried.with_code:
            proposal = proposal.confirmed()
        self.registry.commit(proposal)
        return proposal.saved()

    def show(self, proposal_id: str) -> Proposal:
        """Raises NotFoundError."""
        found = self.proposals.proposal(proposal_id)
        if found is None:
            raise NotFoundError("There is no such proposal.", field="proposal_id")
        return found

    def pending(self) -> Sequence[Proposal]:
        """The proposals that can be decided now, the oldest first."""
        now = self.clock()
        return [
            each
            for each in self.proposals.pending(now - VALID_FOR)
            if each.status(now) is ProposalStatus.PENDING
        ]

    def approve(
        self, proposal_id: str, operator: Operator, carry_out: Callable[[Approval], object]
    ) -> Proposal:
        """Approve a proposal and carry it out. `carry_out` commits the approved proposal together
        with the change. If the change is refused, the proposal stays as it is.

        The same approval again, by the same operator, changes nothing. It completes the audit log,
        if the process died between the commit and the last entry. Raises NotFoundError,
        OwnProposalError, ProposalDecidedError, ProposalExpiredError, and what `carry_out` raises.
        """
        proposal = self.show(proposal_id)
        approved = self._decided(proposal, ProposalStatus.APPROVED, operator)
        is_written = approved is proposal
        with announced(
            self.audit, operator, _about(proposal), "approve", "approved", **_facts(proposal)
        ):
            if not is_written:
                made = partial(carry_out, Approval(approved, is_written=False))
                approved, is_written = self._stored(approved, made, operator)
            if is_written:
                carry_out(Approval(approved, is_written=True))
            return approved

    def reject(self, proposal_id: str, operator: Operator) -> Proposal:
        """Reject a proposal, or take an own one back. The same again changes nothing.

        Raises NotFoundError, ProposalDecidedError, ProposalExpiredError, StaleError.
        """
        proposal = self.show(proposal_id)
        rejected = self._decided(proposal, ProposalStatus.REJECTED, operator)
        with announced(
            self.audit, operator, _about(proposal), "reject", "rejected", **_facts(proposal)
        ):
            if rejected is not proposal:
                rejected, _ = self._stored(rejected, partial(self._write, rejected), operator)
            return rejected

    def _write(self, decided: Proposal) -> None:
        self.registry.commit(decided)

    def _stored(
        self, decided: Proposal, commit: Callable[[], object], operator: Operator
    ) -> tuple[Proposal, bool]:
        """The proposal after the commit, and whether it had been written before. A commit whose
        answer was lost looks like a stale one.
        """
        try:
            commit()
        except StaleError:
            fresh = self.show(decided.proposal_id)
            if self._decided(fresh, decided.status(self.clock()), operator) is not fresh:
                raise
            return fresh, True
        return decided.saved(), False

    def _decided(self, proposal: Proposal, status: ProposalStatus, operator: Operator) -> Proposal:
        decision = Decision(
            status=status,
            by=operator.name,
            who=operator.who,
            reason=operator.reason,
            at=self.clock(),
        )
        try:
            return proposal.decided(decision)
        except OwnProposalError as error:
            self.audit.write(
                f"operator/{operator.name}",
                "refused",
                operator.who,
                error.message,
                _facts(proposal),
            )
            raise


def _about(proposal: Proposal) -> str:
    return f"client/{proposal.client_id}"


def _facts(proposal: Proposal) -> dict[str, str]:
    return {
        "proposal_id": proposal.proposal_id,
        "change": proposal.change,
        "concerns": proposal.subject,
        "value": str(proposal.value),
        "proposed_by": proposal.proposed_by,
        "request": proposal.request,
    }
