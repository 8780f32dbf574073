"""Reconciliation of the books, and with the depository."""

from tests.simulation.bugs.patching import Bug, Constant, Edit
from trading.adapters.dynamodb import keys
from trading.domain.reconciliation import comparisons
from trading.domain.reconciliation.checks import Reconciliation
from trading.usecases.posttrade import reconcile_books, reconcile_settlement
from trading.usecases.posttrade.reconcile_settlement import Comparison, ReconcileSettlement

BUGS = (
    Bug(
        "a reconciliation that finds nothing",
        "Two numbers that must be equal always count as equal.",
        "Money and shares vanish, and no alarm is raised.",
        (
            Edit(
                comparisons.unequal_sides,
                "if (sides.stated or 0) == sides.derived:",
                "if True:",
            ),
        ),
    ),
    Bug(
        "no finding is confirmed",
        "A finding counts as confirmed only if the second look does not show it.",
        "Every finding is taken for a stale read, and no alarm is raised.",
        (
            Edit(
                reconcile_books._report,
                "confirmed = [f for f in first.findings if second and second.shows(f)]",
                "confirmed = [f for f in first.findings if second and not second.shows(f)]",
            ),
        ),
    ),
    Bug(
        "every client counts as in motion",
        "A client that has not moved for a while is taken for one that moves.",
        "Only clients that trade at the moment are judged.",
        (
            Edit(
                Reconciliation._moved,
                "moment >= self._moving_since",
                "moment <= self._moving_since",
            ),
        ),
    ),
    Bug(
        "obligations are not compared",
        "The reconciliation does not add obligations to the CCP's accounts.",
        "What the CCP owes and is owed is not known.",
        (Edit(Reconciliation._owe, "    if total:\n", "    if False:\n"),),
    ),
    Bug(
        "overtaking is not looked at",
        "The times at which orders were routed are not compared.",
        "Clients' orders overtake each other, and nobody learns of it.",
        (
            Edit(
                comparisons.overtaken_orders,
                "if before - after > CLOCKS_DIFFER_BY:",
                "if False:",
            ),
        ),
    ),
    Bug(
        "stray confirmations are not recorded",
        "A confirmation that the ledger does not have is counted and not kept.",
        "Nobody can say later what the depository has delivered.",
        (
            Edit(
                ReconcileSettlement._compare,
                "self._record_break(confirmation, reason)",
                "pass",
            ),
        ),
    ),
    Bug(
        "only the confirmations of one day are compared",
        "The comparison looks at the confirmations of the cycle's own date only.",
        "What the depository confirms late is never compared.",
        (Constant(reconcile_settlement, "RECONCILED_DAYS", 1),),
    ),
    Bug(
        "a comparison ends with its first page",
        "The workflow does not get what the next page needs.",
        "Whatever the depository confirms beyond the first page is never compared.",
        (
            Edit(
                reconcile_settlement._paused,
                "comparison=comparison.paused()",
                "comparison=None",
            ),
        ),
    ),
    Bug(
        "what is pending counts as compared",
        "The end of a date is recorded although a confirmation of it is pending.",
        "None.",
        (
            Edit(
                Comparison.after,
                "passed.first_pending if passed.has_pending else part.end_cursor",
                "part.end_cursor",
            ),
        ),
        tolerated="The worker compares the confirmation itself before it books the settlement.",
    ),
    Bug(
        "nobody reads the shards of what is due",
        "The settlement cycle reads the index of earlier releases only.",
        "Nothing settles.",
        (
            Edit(
                keys.due_shards,
                '[f"DUE#{shard}" for shard in range(DUE_SHARDS)]',
                "[]",
            ),
        ),
    ),
)
