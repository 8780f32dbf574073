"""Deposits and withdrawals: transfers of cash and shares between a client and the outside world.
Each reference is booked once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from trading.domain import identifiers, ledger
from trading.domain.accounts import transfers
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.client import Client
from trading.domain.clients.second_factor import code_to_withdraw
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.ledger import Deposit, Posting, Withdrawal
from trading.domain.values import ZERO, Frozen, Money
from trading.usecases.administration.operator_actions import (
    Approval,
    AuditTrail,
    Operator,
    Registry,
    TriedOut,
    account_of,
    announced,
    facts_of,
    written_with,
)
from trading.usecases.ports import Change, Clock, NotFoundError
from trading.usecases.retrying import on_fresh_state


class ReferenceReusedError(DomainError):
    """The reference belongs to another deposit, or to another withdrawal."""

    code = ErrorCode.REFERENCE_REUSED
    kind = ErrorKind.UNPROCESSABLE


class UnknownSymbolError(DomainError):
    """The shares are of a symbol that is not listed here."""

    code = ErrorCode.UNKNOWN_SYMBOL
    kind = ErrorKind.UNPROCESSABLE


class Cash(Frozen):
    amount: Money


class Shares(Frozen):
    """A number of shares. For a deposit, `cost` is what the client paid for all of them."""

    symbol: str
    quantity: int
    cost: Money | None = None

    def at_cost(self, cost: Decimal | None) -> "Shares":
        return self.but(cost=cost)


Transfer = Deposit | Withdrawal
Balances = tuple[Account | Position, ...]


class Decided(NamedTuple):
    """A transfer of a client, and what is to be written for it: nothing if it was booked before."""

    client: Client
    entry: Transfer
    changes: tuple[Change, ...]

    @property
    def was_booked(self) -> bool:
        return not self.changes


@dataclass(frozen=True)
class TransferAssets:
    """Writes balance and ledger entry in one transaction. The id of the entry follows from client
    and reference, so a transfer is booked once.

    A transfer of shares writes the account too. A loan that is drawn meanwhile then refuses a
    withdrawal, and a portfolio never shows the later of two transfers without the earlier one.
    """

    registry: Registry
    audit: AuditTrail
    clock: Clock
    use_code: Callable[[str, str, str], None]
    """Uses a code: holder, code, request id. Raises as CheckCode."""

    def deposit(
        self,
        client_id: str,
        what: Cash | Shares,
        reference: str,
        operator: Operator,
        approval: Approval | None = None,
    ) -> tuple[Transfer, bool]:
        """Book a deposit, and the approval of its proposal with it. The answer says whether it was
        booked before. Raises NotFoundError, UnknownSymbolError, ReferenceReusedError.
        """
        details = {"reference": reference} | _facts(what) | facts_of(approval)
        with announced(
            self.audit, operator, f"client/{client_id}", "deposit", "deposited", **details
        ):
            decide = partial(self._decide, client_id, what, reference, incoming=True)
            return self._once(decide, approval)

    def withdraw(
        self,
        client_id: str,
        what: Cash | Shares,
        reference: str,
        operator: Operator,
        approval: Approval | None = None,
        code: str | None = None,
    ) -> tuple[Transfer, bool]:
        """Book a withdrawal, and the approval of its proposal with it. The answer says whether it
        was booked before. `code`: of the client's authenticator. An approval needs none if one was
        used for its proposal.

        Raises NotFoundError, NotWithdrawableError, ReferenceReusedError, SecondFactorRequiredError,
        and as CheckCode.
        """
        details = {"reference": reference} | _facts(what) | facts_of(approval)
        with announced(
            self.audit, operator, f"client/{client_id}", "withdraw", "withdrawn", **details
        ):
            decide = partial(self._decide, client_id, what, reference, incoming=False)
            if approval and approval.proposal.with_code:
                return self._once(decide, approval)
            return self._once(decide, approval, partial(self._confirm, code=code))

    def try_deposit(self, client_id: str, what: Cash | Shares, reference: str) -> TriedOut:
        """Raise what booking the deposit now would raise."""
        decided = self._decide(client_id, what, reference, incoming=True)
        return TriedOut(was_made=decided.was_booked)

    def try_withdrawal(
        self, client_id: str, what: Cash | Shares, reference: str, code: str | None
    ) -> TriedOut:
        """Raise what booking the withdrawal now would raise. Use the client's code for it, if the
        client protects withdrawals.
        """
        decided = self._decide(client_id, what, reference, incoming=False)
        with_code = self._confirm(decided, code)
        return TriedOut(was_made=decided.was_booked, with_code=with_code)

    def _confirm(self, decided: Decided, code: str | None) -> bool:
        """Use the client's code for a withdrawal that is to be booked, if the client protects
        withdrawals. The answer says whether one was used. The same withdrawal may use its code
        again, in case the answer was lost. Raises SecondFactorRequiredError, and as CheckCode.
        """
        if decided.was_booked:
            return False
        used = code_to_withdraw(decided.client, code)
        if used is None:
            return False
        self.use_code(f"client/{decided.client.client_id}", used, decided.entry.trade_id)
        return True

    @on_fresh_state
    def _once(
        self,
        decide: Callable[[], Decided],
        approval: Approval | None,
        confirm: Callable[[Decided], object] = lambda _: None,
    ) -> tuple[Transfer, bool]:
        decided = decide()
        confirm(decided)
        if written := (*decided.changes, *written_with(approval)):
            self.registry.commit(*written)
        return decided.entry, decided.was_booked

    def _decide(
        self, client_id: str, what: Cash | Shares, reference: str, *, incoming: bool
    ) -> Decided:
        client = self.registry.profile(client_id)
        if client is None:
            raise NotFoundError("There is no such client.", field="client_id")
        id_of = identifiers.deposit_id if incoming else identifiers.withdrawal_id
        known = self.registry.transfer(id_of(client_id, reference))
        if known:
            if not _is_same(known, client, what):
                raise ReferenceReusedError(
                    "this reference was used for another transfer", field="reference"
                )
            return Decided(client, known, ())
        balances, entry = (self._deposited if incoming else self._withdrawn)(
            client, what, reference
        )
        return Decided(client, entry, (*balances, entry))

    def _deposited(
        self, client: Client, what: Cash | Shares, reference: str
    ) -> tuple[Balances, Transfer]:
        account = account_of(self.registry, client)
        if isinstance(what, Cash):
            account, entry = transfers.deposit_cash(account, what.amount, reference, self.clock())
            return (account,), entry
        if self.registry.instrument(what.symbol) is None:
            raise UnknownSymbolError(f"{what.symbol} is not listed here", field="symbol")
        owned = self.registry.position(client.client_id, what.symbol)
        position, entry = transfers.deposit_shares(
            owned, what.quantity, what.cost or ZERO, reference, self.clock()
        )
        return (account, position), entry

    def _withdrawn(
        self, client: Client, what: Cash | Shares, reference: str
    ) -> tuple[Balances, Transfer]:
        account = account_of(self.registry, client)
        if isinstance(what, Cash):
            account, entry = transfers.withdraw_cash(account, what.amount, reference, self.clock())
            return (account,), entry
        owned = self.registry.position(client.client_id, what.symbol)
        position, entry = transfers.withdraw_shares(
            account, owned, what.quantity, reference, self.clock()
        )
        return (account, position), entry


def _is_same(known: Transfer, client: Client, what: Cash | Shares) -> bool:
    sign = 1 if isinstance(known, Deposit) else -1
    moved = Posting(
        account=ledger.client_account(client.client_id),
        asset=client.currency if isinstance(what, Cash) else what.symbol,
        amount=sign * (what.amount if isinstance(what, Cash) else Decimal(what.quantity)),
    )
    if (
        isinstance(what, Shares)
        and isinstance(known, Deposit)
        and known.cost not in (None, what.cost or ZERO)
    ):
        return False
    return moved in known.postings


def _facts(what: Cash | Shares) -> dict[str, str]:
    return {name: str(value) for name, value in what if value is not None}
