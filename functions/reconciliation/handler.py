"""The hourly reconciliation: checks the invariants over the tables, and answers a report and
metrics for the alarms.
"""

from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.reconciliation.settings import Settings
from trading.adapters.runtime.clock import now
from trading.adapters.runtime.observability import count, logger, step
from trading.adapters.runtime.settings import load
from trading.bootstrap.reconciliation import reconcile_books
from trading.metrics import Metric
from trading.usecases.posttrade.reconcile_books import Report

LEFT_FOR_THE_REPORT_SECONDS = 90

reconcile = reconcile_books(load(Settings))


@logger.inject_lambda_context
def handler(_: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The report. docs/explanation/reconciliation.md explains it."""
    seconds = context.get_remaining_time_in_millis() / 1000 - LEFT_FOR_THE_REPORT_SECONDS
    report = reconcile(now() + timedelta(seconds=seconds))
    _emit(report)
    return report.model_dump(mode="json")


def _emit(report: Report) -> None:
    """Emit the metrics, also if nothing was found: a zero is not silence, and an alarm must tell
    them apart.
    """
    with step("books reconciled") as line:
        line.facts |= report.model_dump(mode="json", exclude={"findings", "recent_breaks"})
        count(Metric.RECONCILIATION_RUNS if report.complete else Metric.RECONCILIATIONS_INCOMPLETE)
        count(Metric.RECONCILIATION_FINDINGS, value=sum(report.broken.values()))
        count(Metric.OBLIGATIONS_OVERDUE, value=report.overdue)
        count(Metric.RECONCILIATION_IN_MOTION, value=report.in_motion)
        count(
            Metric.RECONCILIATION_SECONDS,
            value=round((report.finished_at - report.started_at).total_seconds()),
        )
