"""What the administration of clients and instruments shares: the operator, the audit trail and the
tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from trading.domain.accounts.cash import Account
from trading.domain.clients.client import Client
from trading.domain.clients.credentials import Credential
from trading.domain.clients.proposals import Proposal
from trading.domain.ledger import Deposit, Withdrawal
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import Frozen
from trading.usecases.ports import Accounts, Change


class Operator(Frozen):
    """Who asks for a change, and why. name: the person, whatever the key. who: name and key."""

    name: str
    who: str
    reason: str


class AuditTrail(Protocol):
    """The audit log. After `write` returns, the entry is durable."""

    def write(
        self, subject: str, action: str, who: str, reason: str, details: Mapping[str, str]
    ) -> object: ...


class Registry(Accounts, Protocol):
    """Balances, profiles and API keys of clients, and what is traded where. A key of an operator is
    not found here, and is not written. Only `instrument` is cached. `api_keys` reads an index,
    which lags behind the keys by moments.
    """

    def instrument(self, symbol: str) -> Instrument | None: ...

    def profile(self, client_id: str) -> Client | None: ...
    def credential(self, api_key: str) -> Credential | None: ...
    def is_reserved(self, client_id: str) -> bool:
        """Whether an operator, an exchange or an account of the broker has this id."""
        ...

    def api_keys(self, client_id: str) -> Sequence[str]: ...
    def transfer(self, transfer_id: str) -> Deposit | Withdrawal | None: ...

    def listed(self, symbol: str) -> Instrument | None:
        """The instrument as it is now, to be changed."""
        ...

    def exchange(self, exchange_id: str) -> Exchange | None: ...
    def commit(
        self, *changes: Change | Client | Credential | Proposal | Instrument | Exchange
    ) -> None: ...


@dataclass(frozen=True)
class Approval:
    """An approved proposal, whose change is to be made. is_written: an earlier transaction wrote it
    together with the change. Then only entries of the audit log may be missing.
    """

    proposal: Proposal
    is_written: bool


class TriedOut(NamedTuple):
    """What is known of a change before it is proposed. was_made: it was made before. with_code: a
    code of the client was used for it.
    """

    was_made: bool
    with_code: bool = False


def facts_of(approval: Approval | None) -> dict[str, str]:
    """What the audit log says of the second person, beside the one who approves."""
    if approval is None:
        return {}
    proposal = approval.proposal
    return {"proposal_id": proposal.proposal_id, "proposed_by": proposal.proposed_by}


def written_with(approval: Approval | None) -> tuple[Proposal, ...]:
    """What the transaction of a change writes beside the change."""
    return (approval.proposal,) if approval and not approval.is_written else ()


def account_of(registry: Registry, client: Client) -> Account:
    """A client's account. A new account has the credit limit of its client."""
    account = registry.account(client.client_id)
    return account if account.version else account.with_credit_limit(client.credit_limit)


@contextmanager
def announced(
    audit: AuditTrail, operator: Operator, subject: str, action: str, done: str, **details: str
) -> Iterator[dict[str, str]]:
    """Write `action` to the audit log before the change, and `done` after it. An entry without its
    `done` shows a change that was announced and not made. What is put into the dictionary is in the
    second entry only.
    """
    audit.write(subject, action, operator.who, operator.reason, details)
    outcome: dict[str, str] = {}
    yield outcome
    audit.write(subject, done, operator.who, operator.reason, details | outcome)
