"""What a transaction can write."""

from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import Deposit, LedgerEntry
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation
from trading.domain.values import Frozen


class Discharged(Frozen):
    """Delete the obligation. The commit fails if the obligation is gone already."""

    obligation: Obligation


Change = Order | Account | Position | LedgerEntry | Deposit | Obligation | Discharged
"""Orders, accounts and positions are saved on the version that was read.
The others are created once.
"""
