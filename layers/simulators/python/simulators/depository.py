"""The rules of the depository: it settles an instruction versus payment, or fails it."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from simulators.behaviour import DepositoryBehaviour
from simulators.dice import Dice
from trading.wire import (
    ConfirmationStatus,
    DeliveryDirection,
    SettlementConfirmation,
    SettlementInstruction,
)


class Movement(NamedTuple):
    """A signed amount of an asset (a symbol or a currency) on an account. The movements of an
    instruction add up to zero for each asset.
    """

    account: str
    asset: str
    amount: Decimal


def confirm(
    instruction: SettlementInstruction, behaviour: DepositoryBehaviour, dice: Dice, now: datetime
) -> SettlementConfirmation:
    """The answer to an instruction: settled, or failed because the counterparty lacks securities or
    cash.
    """
    failed = dice.chance(behaviour.fail_rate, "fail", instruction.instruction_id)
    lacking = "securities" if instruction.direction is DeliveryDirection.RECEIVE else "cash"
    return SettlementConfirmation(
        confirmation_id=f"CSD-{hashlib.sha256(instruction.instruction_id.encode()).hexdigest()[:24]}",
        status=ConfirmationStatus.FAILED if failed else ConfirmationStatus.SETTLED,
        confirmed_at=now,
        reason=f"the counterparty lacks {lacking}" if failed else None,
        **instruction.model_dump(exclude={"settlement_account", "counterparty"}),
    )


def movements(instruction: SettlementInstruction) -> tuple[Movement, ...]:
    """The movements on both sides of delivery versus payment."""
    ours, theirs = instruction.settlement_account, instruction.counterparty
    deliverer, receiver = (
        (theirs, ours) if instruction.direction is DeliveryDirection.RECEIVE else (ours, theirs)
    )
    shares = Decimal(instruction.quantity)
    return (
        Movement(deliverer, instruction.symbol, -shares),
        Movement(receiver, instruction.symbol, shares),
        Movement(receiver, instruction.currency, -instruction.amount),
        Movement(deliverer, instruction.currency, instruction.amount),
    )
