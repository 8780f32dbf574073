"""Cash and shares that come in from outside, as double entries."""

from datetime import datetime
from decimal import Decimal

from trading.domain import identifiers, ledger
from trading.domain.accounts import Account, Position
from trading.domain.ledger import Deposit, Posting


def _entry(client_id: str, reference: str, postings: tuple[Posting, ...], now: datetime) -> Deposit:
    return Deposit(
        trade_id=identifiers.deposit_id(client_id, reference),
        client_id=client_id,
        reference=reference,
        booked_at=now,
        postings=postings,
    )


def deposit_cash(account: Account, amount: Decimal, reference: str, now: datetime) -> tuple[Account, Deposit]:
    """Settled cash from outside. The reference makes it happen once."""
    client = ledger.client_account(account.client_id)
    postings = ledger.transfer(account.currency, ledger.DEPOSITORY, client, amount)
    return account.move(available=amount), _entry(account.client_id, reference, postings, now)


def deposit_shares(
    position: Position, quantity: int, cost: Decimal, reference: str, now: datetime
) -> tuple[Position, Deposit]:
    """Settled shares from outside, with what they cost the client in all."""
    client = ledger.client_account(position.client_id)
    postings = ledger.transfer(position.symbol, ledger.DEPOSITORY, client, quantity)
    return position.move(available=quantity, cost=cost), _entry(position.client_id, reference, postings, now)
