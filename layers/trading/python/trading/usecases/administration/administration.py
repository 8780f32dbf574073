"""What administering clients and instruments has in common: who does it and why, the audit trail,
the tables behind it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from trading.domain.accounts.cash import Account
from trading.domain.clients.client import Client
from trading.domain.clients.credentials import Credential
from trading.domain.ledger import Deposit, Withdrawal
from trading.domain.reference.instruments import Instrument
from trading.domain.values import Frozen
from trading.usecases.ports import Accounts, Change


class Operator(Frozen):
    """Who administers, and why."""

    who: str
    reason: str


class AuditTrail(Protocol):
    """The audit log. When `write` has returned, the entry is durable."""

    def write(
        self, subject: str, action: str, who: str, reason: str, details: Mapping[str, str]
    ) -> object: ...


class Registry(Accounts, Protocol):
    """Balances, profiles and API keys. None is cached but `instrument`; `api_keys` come from an
    index, which follows the keys after moments.
    """

    def instrument(self, symbol: str) -> Instrument | None: ...

    def profile(self, client_id: str) -> Client | None: ...
    def credential(self, api_key: str) -> Credential | None: ...
    def api_keys(self, client_id: str) -> Sequence[str]: ...
    def transfer(self, transfer_id: str) -> Deposit | Withdrawal | None: ...

    def set_tradable(self, symbol: str, tradable: bool) -> Instrument | None:
        """Write this and nothing else of an instrument. None: there is no such instrument."""
        ...

    def commit(self, *changes: Change | Client | Credential) -> None: ...


def account_of(registry: Registry, client: Client) -> Account:
    """A client's account; a new one is under the client's credit limit."""
    account = registry.account(client.client_id)
    return account if account.version else account.with_credit_limit(client.credit_limit)


@contextmanager
def announced(
    audit: AuditTrail, operator: Operator, subject: str, action: str, done: str, **details: str
) -> Iterator[None]:
    """In the audit log as `action` before it happens, and as `done` after: what was announced and
    not done is visible.
    """
    audit.write(subject, action, operator.who, operator.reason, details)
    yield
    audit.write(subject, done, operator.who, operator.reason, details)
