"""The operations of the depository's API: settle instructions and list confirmations."""

import base64
import binascii
from collections.abc import Callable
from datetime import date, datetime, timedelta

from simulators.adapters.configuration import Configuration
from simulators.adapters.depository_store import AnsweredInstruction, DepositoryStore, key_at
from simulators.behaviour import DepositoryBehaviour
from simulators.depository import confirm, movements
from simulators.dice import Dice
from simulators.problem import Problem
from simulators.retries import retrying
from trading.domain.reference.calendars import is_settlement_day
from trading.wire import (
    ConfirmationPage,
    ConfirmationStatus,
    SettlementConfirmation,
    SettlementInstruction,
)

PAGE_SIZE = 100
LISTED_WITHIN = timedelta(minutes=1)


class SettlementDesk:
    """The depository as its participants see it. Refusals are Problems."""

    def __init__(
        self,
        store: DepositoryStore,
        configuration: Configuration,
        dice: Dice,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._dice = dice
        self._clock = clock
        self._sleep = sleep

    def settle(self, instruction: SettlementInstruction) -> SettlementConfirmation:
        """Settle an instruction once. A repeated instruction gets the same confirmation.

        Raises Problem 409 if the id belongs to another instruction, 422 if its date is no
        settlement day, and 503 if nothing was recorded. After Problem 500 (a lost answer), the
        instruction may be recorded.
        """
        behaviour, now = self._configuration.depository(), self._clock()
        request = (instruction.instruction_id, int(now.timestamp()))
        if self._dice.chance(behaviour.unavailable_rate, "unavailable", *request):
            raise Problem(503, "DEPOSITORY_UNAVAILABLE", "the depository is unavailable")
        if self._dice.chance(behaviour.slow_rate, "slow", *request):
            self._sleep(behaviour.slow_ms / 1000)
        confirmation, is_new = retrying(self._sleep)(self._settle, instruction, behaviour, now)
        if is_new and self._dice.chance(
            behaviour.answer_lost_rate, "answer lost", instruction.instruction_id
        ):
            raise Problem(500, "INTERNAL_ERROR", "the answer was lost")
        return confirmation

    def confirmations(self, settlement_date: date, cursor: str | None) -> ConfirmationPage:
        """A page of a day's confirmations. Raises Problem 400 for a cursor that was not issued
        here.

        A confirmation is listed up to `LISTED_WITHIN` after its time. So the end of the list is
        that long ago: what was confirmed since is listed again.
        """
        end = key_at(self._clock() - LISTED_WITHIN)
        confirmations, last = self._store.confirmations(
            settlement_date, _decode(cursor) if cursor else None, PAGE_SIZE
        )
        return ConfirmationPage(
            confirmations=confirmations,
            next_cursor=_encode(last) if last else None,
            end_cursor=None if last else _encode(end),
        )

    def _settle(
        self, instruction: SettlementInstruction, behaviour: DepositoryBehaviour, now: datetime
    ) -> tuple[SettlementConfirmation, bool]:
        known = self._store.load(instruction.instruction_id)
        if known is not None:
            if known.instruction != instruction:
                raise Problem(
                    409,
                    "INSTRUCTION_ID_REUSED",
                    "this instruction id stands for another instruction",
                )
            return known.confirmation, False
        if not is_settlement_day(instruction.settlement_date):
            raise Problem(
                422, "NOT_A_SETTLEMENT_DAY", f"nothing settles on {instruction.settlement_date}"
            )
        confirmation = confirm(instruction, behaviour, self._dice, now)
        moved = movements(instruction) if confirmation.status is ConfirmationStatus.SETTLED else ()
        self._store.record(AnsweredInstruction(instruction, confirmation), moved)
        return confirmation, True


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        return base64.b64decode(
            cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True
        ).decode()
    except (binascii.Error, ValueError) as error:
        raise Problem(400, "BAD_CURSOR", "the cursor is not one of ours") from error
