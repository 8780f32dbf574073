"""What a transaction can write."""

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import Deposit, LedgerEntry
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Discharged, Obligation

__all__ = ["Change", "Discharged"]

Change = Order | Account | Position | LedgerEntry | Deposit | Obligation | Discharged
"""Orders, accounts and positions are saved on the version that was read.
The others are created once.
"""
