"""Corrections and busts: an exchange changes an execution that it has reported.

The dice decide at the execution which of them changes, how and when. So every look at an order
comes to the same result.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from simulators.behaviour import ExchangeBehaviour
from simulators.dice import Dice
from simulators.exchange import BookedOrder, MatchOutcome
from trading.domain.values import Side
from trading.wire import ExecType, ExecutionReport

LATE = timedelta(days=1)
TICK = Decimal("0.01")


def due_at(
    report: ExecutionReport, behaviour: ExchangeBehaviour, dice: Dice
) -> tuple[ExecType, datetime] | None:
    """How and when the execution of a report is changed; None: it stands."""
    key = report.execution_id
    if report.exec_type is not ExecType.TRADE or report.last_price is None:
        return None
    if dice.chance(behaviour.bust_rate, "bust", key):
        change = ExecType.TRADE_CANCEL
    elif dice.chance(behaviour.correct_rate, "correct", key):
        change = ExecType.TRADE_CORRECT
    else:
        return None
    late = dice.chance(behaviour.late_correction_rate, "late correction", key)
    wait = LATE if late else timedelta(seconds=behaviour.correction_seconds)
    return change, report.transact_time + wait


def pending(
    reports: Sequence[ExecutionReport], behaviour: ExchangeBehaviour, dice: Dice
) -> list[tuple[datetime, ExecType, ExecutionReport]]:
    """The changes that are not made yet, earliest first."""
    changed = {report.reference_execution_id for report in reports}
    planned = (
        (due[1], due[0], report)
        for report in reports
        if report.execution_id not in changed
        and (due := due_at(report, behaviour, dice)) is not None
    )
    return sorted(planned, key=lambda plan: (plan[0], plan[2].execution_id))


def correct(
    booked: BookedOrder,
    reports: Sequence[ExecutionReport],
    behaviour: ExchangeBehaviour,
    dice: Dice,
    now: datetime,
) -> MatchOutcome | None:
    """Make the changes that are due. None means that there are none.

    A correction takes shares away or improves the price by a tick, so it keeps within the limit.
    Shares that a change takes away do not go back into the book.
    """
    made: list[ExecutionReport] = []
    for due, change, report in pending(reports, behaviour, dice):
        if due > now or report.last_price is None:
            continue
        quantity, price = 0, None
        if change is ExecType.TRADE_CORRECT:
            better = -TICK if report.side is Side.BUY else TICK
            quantity = dice.between(1, report.last_quantity, "corrected", report.execution_id)
            price = report.last_price + better
        booked = booked.corrected(quantity - report.last_quantity)
        made.append(
            ExecutionReport.model_validate(
                dict(report)
                | {
                    "execution_id": f"{booked.exchange_order_id}-{booked.report_count}",
                    "exec_type": change,
                    "reference_execution_id": report.execution_id,
                    "last_quantity": quantity,
                    "last_price": price,
                    "cumulative_quantity": booked.cumulative_quantity,
                    "busted_quantity": booked.busted_quantity,
                    "leaves_quantity": booked.leaves_quantity,
                    "transact_time": now,
                }
            )
        )
    if not made:
        return None
    return MatchOutcome(booked=booked.next_version(), reports=tuple(made))
