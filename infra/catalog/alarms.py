"""The alarms on metrics of the code, and the text of every alarm."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from trading.metrics import Metric

RUNBOOK = "docs/how-to/answer-an-alarm.md"


class Severity(StrEnum):
    """How soon somebody must look. Each has a topic of its own."""

    URGENT = "urgent"
    ROUTINE = "routine"


@dataclass(frozen=True)
class Notice:
    """What an alarm says: what happened, the section of the runbook, and how soon to look."""

    what: str
    section: str
    severity: Severity = Severity.URGENT

    @property
    def text(self) -> str:
        """The description of the alarm."""
        return f"{self.what}. Severity: {self.severity}. Runbook: {RUNBOOK}#{self.section}"


@dataclass(frozen=True)
class Watch:
    """An alarm when a metric is above `above` in `minutes`, whichever functions count it.

    `lasts`: without data the alarm stays as it is.
    """

    notice: Notice
    above: int = 0
    minutes: int = 1
    lasts: bool = False


@dataclass(frozen=True)
class Silence:
    """An alarm when nobody has counted a metric for a number of periods."""

    notice: Notice
    hours: int
    periods: int


WATCHED: Mapping[Metric, Watch] = {
    Metric.BREAKS: Watch(
        Notice("Books and a venue disagree, or a correction was not covered", "breaks"),
    ),
    Metric.NOT_UNDERSTOOD: Watch(
        Notice(
            "A venue sent a field, an event or a status that the readers do not know",
            "words-that-we-do-not-know",
            Severity.ROUTINE,
        ),
    ),
    Metric.SETTLEMENTS_FAILED: Watch(
        Notice("The depository did not settle an obligation", "settlement"),
    ),
    Metric.CLIENTS_UNSETTLED: Watch(
        Notice("Obligations are still due after the settlement cycle", "settlement"),
    ),
    Metric.OBLIGATIONS_OVERDUE: Watch(
        Notice(
            "The settlement cycles of a day are over, and obligations are still due", "settlement"
        ),
        minutes=60,
    ),
    Metric.SWEEPS_FAILED: Watch(
        Notice("An order could not be swept", "orders-without-progress", Severity.ROUTINE),
    ),
    Metric.CLOSES_FAILED: Watch(
        Notice("An order could not be closed with its day", "orders-without-progress"),
    ),
    Metric.ORDERS_NOT_MARKED: Watch(
        Notice(
            "A worker gave up a message and could not flag its order",
            "dead-letters",
        ),
    ),
    Metric.EVENTS_BURIED: Watch(
        Notice("A record of a stream had no readable event", "events"),
    ),
    Metric.EVENTS_MISSING: Watch(
        Notice("An event of an account did not come", "events"),
    ),
    Metric.RECONCILIATIONS_INCOMPLETE: Watch(
        Notice(
            "A reconciliation ran out of time before it had read all books",
            "reconciliation",
            Severity.ROUTINE,
        ),
    ),
    Metric.RECONCILIATION_FINDINGS: Watch(
        Notice("An invariant of the books is broken", "reconciliation"),
        lasts=True,
    ),
    Metric.SECRET_REFRESH_FAILED: Watch(
        Notice("A function could not read a secret again", "secrets", Severity.ROUTINE),
        above=5,
        minutes=15,
    ),
    Metric.INVALID_SIGNATURE: Watch(
        Notice("Many callbacks are not signed by a known venue", "strangers", Severity.ROUTINE),
        above=100,
        minutes=5,
    ),
    Metric.SIGNATURE_REFUSED: Watch(
        Notice("Many requests are not signed as they must be", "strangers", Severity.ROUTINE),
        above=20,
        minutes=5,
    ),
    Metric.CIRCUITS_OPENED: Watch(
        Notice("An exchange is down", "exchanges", Severity.ROUTINE),
    ),
    Metric.RATE_LIMIT_UNAVAILABLE: Watch(
        Notice("Requests pass without their rate limit", "guards", Severity.ROUTINE),
        above=10,
        minutes=5,
    ),
    Metric.LOGIN_GUARD_UNAVAILABLE: Watch(
        Notice("Wrong secrets are not counted, so nobody is locked out", "guards"),
    ),
}
"""Alarms of the business: people must look, although no invocation failed."""

SILENCES: Mapping[Metric, Silence] = {
    Metric.RECONCILIATION_RUNS: Silence(
        Notice("The books have not been reconciled for hours", "schedules"),
        hours=1,
        periods=3,
    ),
    Metric.ORDERS_EXPIRING: Silence(
        Notice("The close of the day has not run for four days", "schedules"),
        hours=24,
        periods=4,
    ),
}
"""Dead man's switches. The close of the day runs on weekdays, on holidays too. From Friday's run to
Monday's it is three days.
"""

UNWATCHED: Mapping[Metric, str] = {
    Metric.ORDERS_ACCEPTED: "It counts ordinary business.",
    Metric.ORDERS_REJECTED: "A client may ask for what a rule forbids.",
    Metric.ORDERS_ENDED: "It counts ordinary business.",
    Metric.REPLACEMENTS_REQUESTED: "It counts ordinary business.",
    Metric.FILLS_BOOKED: "It counts ordinary business.",
    Metric.ORDERS_CLEARED: "It counts ordinary business.",
    Metric.TRADES_SETTLED: "It counts ordinary business.",
    Metric.WORKFLOW_STARTS_DEFERRED: "The sweeper starts the workflow again.",
    Metric.REPLACEMENTS_DEFERRED: "The sweeper sends the message again.",
    Metric.CANCELS_DEFERRED: "The sweeper sends the message again.",
    Metric.ORDERS_SWEPT: "A recovery that worked.",
    Metric.SUBMITS_REFUSED: "Another exchange gets the order. The circuit has the alarm.",
    Metric.SUBMITS_UNKNOWN: "The fence answers it. The circuit of the exchange has the alarm.",
    Metric.FENCES_UNKNOWN: "The sweeper asks again. The circuit of the exchange has the alarm.",
    Metric.QUOTES_MISSING: "The order is routed by execution quality.",
    Metric.POLLS_UNANSWERED: "The sweeper asks again. The circuit has the alarm.",
    Metric.CANCELS_UNANSWERED: "The sweeper asks again. The circuit has the alarm.",
    Metric.RECALLS_UNANSWERED: "The refused execution has raised an alarm already, as a break.",
    Metric.FILLS_REPEATED: "A repetition is harmless.",
    Metric.EXECUTIONS_CORRECTED: "An exchange may correct an execution. The books followed.",
    Metric.CORRECTIONS_PARKED: "The sweeper asks the exchange. What it does not know is a break.",
    Metric.SETTLEMENTS_UNANSWERED: "It is tried again. ObligationsOverdue counts what stays due.",
    Metric.CONFIRMATIONS_RECONCILED: "ClientsUnsettled counts what stays due.",
    Metric.MESSAGES_FAILED: "It is tried again. If that fails, the dead-letter queue has an alarm.",
    Metric.MESSAGES_BURIED: "The dead-letter queue has an alarm.",
    Metric.CLEARING_RUNS_REFUSED: "The worker has the order cleared without a run.",
    Metric.VENUE_HEALTH_UNAVAILABLE: "Orders are routed as if every exchange were healthy.",
    Metric.VENUE_HEALTH_INCOMPLETE: "Orders are routed as if the others were healthy.",
    Metric.QUALITY_UPDATES_LOST: "The next outcome writes it again.",
    Metric.LAST_PRICES_LOST: "The next execution writes it again.",
    Metric.LAST_PRICES_UNAVAILABLE: "The reference price stands in.",
    Metric.UNEXPECTED_ERROR: "The API answered with 5XX, which has an alarm.",
    Metric.CODE_REFUSED: "People mistype codes. Guesses are locked, and the count shows them.",
    Metric.TOKEN_REFUSED: "Anybody can send a wrong token. The API's limits hold.",
    Metric.RECONCILIATION_IN_MOTION: "It is high while clients trade.",
    Metric.RECONCILIATION_SECONDS: "A run that takes too long is incomplete, which has an alarm.",
}
"""The metrics without an alarm, and why."""
