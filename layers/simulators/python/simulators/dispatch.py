"""How reports reach the order's owner: once each if all goes well, and late, twice or in disorder
as the dice say.
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
    """Whether a report is still to be sent."""

    PENDING = "PENDING"
    ANSWERED = "ANSWERED"
    SILENCED = "SILENCED"
    ABANDONED = "ABANDONED"


class Dispatch(Frozen):
    """A report and what has become of sending it."""

    report: ExecutionReport
    due_at: Timestamp
    state: DispatchState = DispatchState.PENDING
    attempts: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether an answer is still wanted."""
        return self.state is DispatchState.PENDING

    def after_attempt(self, answered: bool, now: datetime) -> "Dispatch":
        """Answered, or due again after a wait that doubles up to an hour, or given up after a day."""
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
    """When each report of a match is sent. Of a silenced order none is: only a status query tells."""
    booked = outcome.booked
    silent = dice.chance(
        behaviour.silence_rate, "silence", booked.exchange_id, booked.order.client_order_id
    )

    def dispatch(report: ExecutionReport) -> Dispatch:
        late = dice.chance(behaviour.late_rate, "late", report.execution_id)
        return Dispatch(
            report=report,
            due_at=now + timedelta(seconds=behaviour.late_seconds) if late else now,
            state=DispatchState.SILENCED if silent else DispatchState.PENDING,
        )

    return tuple(dispatch(report) for report in outcome.reports)


def sending_order(
    due: Iterable[Dispatch], behaviour: ExchangeBehaviour, dice: Dice
) -> list[Dispatch]:
    """What to send now, one after another: in the order of the reports, or the other way round."""
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
    """Whether an answered report is sent once more all the same."""
    return dice.chance(behaviour.duplicate_rate, "duplicate", report.execution_id)
