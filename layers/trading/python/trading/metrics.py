"""The metrics that the system emits, by service."""

from typing import Self

from trading.domain.coded import Coded

METRICS_NAMESPACE = "Trading"
COUNT, SECONDS = "count", "seconds"


class Metric(Coded):
    """A metric. `unit` says what its values are. Alarms and the runbook name it."""

    unit: str

    def __new__(cls, code: str, sentence: str, unit: str = COUNT) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        member.unit = unit
        return member

    ORDERS_ACCEPTED = "OrdersAccepted", "An order passed the pre-trade checks."
    ORDERS_REJECTED = "OrdersRejected", "A pre-trade check rejected an order."
    ORDERS_ENDED = "OrdersEnded", "An open order ended before it was filled."
    REPLACEMENTS_REQUESTED = "ReplacementsRequested", "A replacement of an order was accepted."
    WORKFLOW_STARTS_DEFERRED = (
        "WorkflowStartsDeferred",
        "The workflow of an accepted order did not start. The sweeper starts it.",
    )
    REPLACEMENTS_DEFERRED = (
        "ReplacementsDeferred",
        "The mailbox did not take the message about a replacement. The sweeper sends it again.",
    )
    CANCELS_DEFERRED = (
        "CancelsDeferred",
        "The mailbox did not take the message about a cancel. The sweeper sends it again.",
    )
    SUBMITS_REFUSED = "SubmitsRefused", "An exchange did not take a child order."
    SUBMITS_UNKNOWN = (
        "SubmitsUnknown",
        "An exchange did not answer to a submit. The worker then cancels the child order there.",
    )
    FENCES_UNKNOWN = (
        "FencesUnknown",
        "An exchange answered neither to a submit nor to the cancel that followed.",
    )
    QUOTES_MISSING = "QuotesMissing", "An order was routed without quotes."
    POLLS_UNANSWERED = "PollsUnanswered", "An exchange did not answer to the poll of a child order."
    CANCELS_UNANSWERED = "CancelsUnanswered", "An exchange did not answer to a cancel."
    RECALLS_UNANSWERED = (
        "RecallsUnanswered",
        "An exchange did not answer to the cancel of a child order with a refused execution.",
    )
    FILLS_BOOKED = "FillsBooked", "A fill was written into the books."
    EXECUTIONS_CORRECTED = (
        "ExecutionsCorrected",
        "An exchange corrected or busted an execution, and the trade was reversed.",
    )
    CORRECTIONS_PARKED = (
        "CorrectionsParked",
        "An exchange corrected or busted an execution that was not booked yet.",
    )
    FILLS_REPEATED = "FillsRepeated", "An exchange reported an execution that was booked before."
    BREAKS = "Breaks", "Our books refused a report or a confirmation."
    NOT_UNDERSTOOD = (
        "NotUnderstood",
        "A venue sent something that the reader does not know. The rest of the document was used.",
    )
    ORDERS_CLEARED = "OrdersCleared", "The fills of an order were cleared."
    TRADES_SETTLED = "TradesSettled", "A trade was settled."
    SETTLEMENTS_UNANSWERED = (
        "SettlementsUnanswered",
        "The depository did not answer to an instruction.",
    )
    SETTLEMENTS_FAILED = "SettlementsFailed", "A trade that is due could not be settled."
    CLIENTS_UNSETTLED = (
        "ClientsUnsettled",
        "After a settlement cycle, clients have trades that are due and not settled.",
    )
    CONFIRMATIONS_RECONCILED = (
        "ConfirmationsReconciled",
        "The depository's confirmations were compared with the ledger.",
    )
    ORDERS_SWEPT = "OrdersSwept", "The sweeper sent a message about an order again."
    SWEEPS_FAILED = "SweepsFailed", "The sweeper could not sweep an order."
    ORDERS_EXPIRING = "OrdersExpiring", "The close of the day looked for orders to expire."
    CLOSES_FAILED = "ClosesFailed", "An order could not be ended at the close of its day."
    MESSAGES_FAILED = "MessagesFailed", "A message failed and is tried again."
    MESSAGES_BURIED = "MessagesBuried", "A message was moved to the dead-letter queue."
    EVENTS_BURIED = (
        "EventsBuried",
        "A record of a table's stream had no readable event. It went to a dead-letter queue.",
    )
    EVENTS_MISSING = (
        "EventsMissing",
        "An event of an account did not come, although a later one did.",
    )
    ORDERS_NOT_MARKED = (
        "OrdersNotMarked",
        "The order of a message in the dead-letter queue could not be flagged for review.",
    )
    CLEARING_RUNS_REFUSED = (
        "ClearingRunsRefused",
        "A run to have an order cleared did not start. The worker sends the message itself.",
    )
    CIRCUITS_OPENED = "CircuitsOpened", "An exchange failed so often that calls to it stopped."
    VENUE_HEALTH_UNAVAILABLE = (
        "VenueHealthUnavailable",
        "The health of the exchanges could not be read.",
    )
    VENUE_HEALTH_INCOMPLETE = (
        "VenueHealthIncomplete",
        "The health of the exchanges was read in part.",
    )
    QUALITY_UPDATES_LOST = (
        "QualityUpdatesLost",
        "The execution quality of an exchange could not be written.",
    )
    LAST_PRICES_LOST = "LastPricesLost", "A last price could not be written."
    LAST_PRICES_UNAVAILABLE = "LastPricesUnavailable", "Last prices could not be read."
    RATE_LIMIT_UNAVAILABLE = (
        "RateLimitUnavailable",
        "A request could not be counted against its rate limit and passed.",
    )
    LOGIN_GUARD_UNAVAILABLE = (
        "LoginGuardUnavailable",
        "Failed log-ins could not be counted, so nobody was locked out.",
    )
    TOKEN_REFUSED = "TokenRefused", "The authorizer refused a token."
    CODE_REFUSED = "CodeRefused", "A code of a second factor was wrong or too old."
    SIGNATURE_REFUSED = (
        "SignatureRefused",
        "A request of a client or an operator was not signed although it must be, or not validly.",
    )
    INVALID_SIGNATURE = "InvalidSignature", "A callback was not signed by a known exchange."
    UNEXPECTED_ERROR = "UnexpectedError", "A request failed with an unexpected error."
    SECRET_REFRESH_FAILED = (
        "SecretRefreshFailed",
        "A secret could not be read again. The version in memory stays in use.",
    )
    OBLIGATIONS_OVERDUE = (
        "ObligationsOverdue",
        "Obligations that are due although the settlement cycles of their day are over.",
    )
    RECONCILIATION_RUNS = "ReconciliationRuns", "A reconciliation of the books ended."
    RECONCILIATIONS_INCOMPLETE = (
        "ReconciliationsIncomplete",
        "A reconciliation of the books ran out of time.",
    )
    RECONCILIATION_FINDINGS = (
        "ReconciliationFindings",
        "How many violations of an invariant the last reconciliation found.",
    )
    RECONCILIATION_IN_MOTION = (
        "ReconciliationInMotion",
        "How many clients a reconciliation did not judge, because they were in motion.",
    )
    RECONCILIATION_SECONDS = "ReconciliationSeconds", "How long a reconciliation took.", SECONDS


OUTCOMES = frozenset(
    Metric[name]
    for name in (
        "ORDERS_ACCEPTED",
        "ORDERS_REJECTED",
        "ORDERS_ENDED",
        "REPLACEMENTS_REQUESTED",
        "FILLS_BOOKED",
        "FILLS_REPEATED",
        "ORDERS_CLEARED",
        "TRADES_SETTLED",
        "RECONCILIATION_RUNS",
        "RECONCILIATIONS_INCOMPLETE",
        "RECONCILIATION_FINDINGS",
        "RECONCILIATION_IN_MOTION",
        "RECONCILIATION_SECONDS",
        "OBLIGATIONS_OVERDUE",
    )
)
"""The planned outcomes of a step of work. These counts wait for the log line at its end.

Counts of any other metric must not wait: the worker may die before the end.
"""
