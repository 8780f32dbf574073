"""How reports reach the order's owner.

Each report is sent once if all goes well. The dice decide which reports are late, duplicated or out
of order.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from simulators.behaviour import ExchangeBehaviour
from simulators.dice import Dice
from simulators.exchange import MatchOutcome
from trading.domain.values import Frozen, Timestamp
from trading.wire import ExecutionReport

FIRST_RETRY = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=24)


class DispatchState(StrEnum):
    """The state of sending a report."""

    PENDING = "PENDING"
    ANSWERED = "ANSWERED"
    SILENCED = "SILENCED"
    ABANDONED = "ABANDONED"


class Dispatch(Frozen):
    """A report and the state of sending it."""

    report: ExecutionReport
    due_at: Timestamp
    state: DispatchState = DispatchState.PENDING
    attempts: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether the report still needs an answer."""
        return self.state is DispatchState.PENDING

    def after_attempt(self, answered: bool, now: datetime) -> "Dispatch":
        """The dispatch after an attempt: answered, due again, or abandoned after a day.

        The wait doubles with each attempt, up to one hour.
        """
        attempts = self.attempts + 1
        if answered:
            return self.but(state=DispatchState.ANSWERED, attempts=attempts)
        if now - self.report.transact_time >= GIVE_UP_AFTER:
            return self.but(state=DispatchState.ABANDONED, attempts=attempts)
        wait = min(FIRST_RETRY * 2 ** min(self.attempts, 10), LONGEST_WAIT)
        return self.but(due_at=now + wait, attempts=attempts)


def schedule(
    outcome: MatchOutcome, behaviour: ExchangeBehaviour, dice: Dice, now: datetime
) -> tuple[Dispatch, ...]:
    """The time at which each report of a match is sent.

    A silenced order sends no reports. Only a status query shows its state. Corrections and busts
    are reported all the same: nobody asks for an order that is over.
    """
    booked = outcome.booked
    silent = dice.chance(
        behaviour.silence_rate, "silence", booked.exchange_id, booked.order.client_order_id
    )

    def dispatch(report: ExecutionReport) -> Dispatch:
        late = dice.chance(behaviour.late_rate, "late", report.execution_id)
        return Dispatch(
            report=report,
            due_at=now + timedelta(seconds=behaviour.late_seconds) if late else now,
            state=DispatchState.SILENCED
            if silent and report.reference_execution_id is None
            else DispatchState.PENDING,
        )

    return tuple(dispatch(report) for report in outcome.reports)


def sending_order(
    due: Iterable[Dispatch], behaviour: ExchangeBehaviour, dice: Dice
) -> list[Dispatch]:
    """The order in which due reports are sent: by time, or reversed."""
    inorder = sorted(
        due,
        key=lambda dispatch: (dispatch.report.transact_time, dispatch.report.cumulative_quantity),
    )
    if inorder and dice.chance(
        behaviour.out_of_order_rate, "out of order", inorder[0].report.execution_id
    ):
        return inorder[::-1]
    return inorder


def is_sent_twice(report: ExecutionReport, behaviour: ExchangeBehaviour, dice: Dice) -> bool:
    """Whether an answered report is sent a second time."""
    return dice.chance(behaviour.duplicate_rate, "duplicate", report.execution_id)
