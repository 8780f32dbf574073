"""What nobody would miss at once: what is on record, and when failures come back."""

from tests.simulation.bugs.patching import Bug, Constant, Edit
from trading.adapters.http.operator_record import OperatorRecord
from trading.adapters.messaging import mailbox_worker
from trading.usecases.administration.operator_actions import announced
from trading.usecases.administration.transfer_assets import TransferAssets

BUGS = (
    Bug(
        "an act is not announced",
        "An operator's act is written to the audit log after it only.",
        "If the worker dies after the act, nobody knows who did it.",
        (
            Edit(
                announced,
                "audit.write(subject, action, operator.who, operator.reason, details)",
                "pass",
            ),
        ),
    ),
    Bug(
        "an act is not confirmed",
        "An operator's act is written to the audit log before it only.",
        "Nobody can tell an act that was done from one that was only announced.",
        (
            Edit(
                announced,
                "audit.write(subject, done, operator.who, operator.reason, details | outcome)",
                "pass",
            ),
        ),
    ),
    Bug(
        "a look at a client leaves no trace",
        "An operator is shown a client, and nothing is written.",
        "Nobody can say later who has seen the account.",
        (
            Edit(
                OperatorRecord.look,
                'self._write(app, f"client/{client_id}", LOOK, what, **details)',
                "pass",
            ),
        ),
    ),
    Bug(
        "the audit log names nobody",
        "The audit log records the reason in the place of the operator.",
        "Nobody knows who moved a client's money.",
        (
            Edit(
                announced,
                "audit.write(subject, action, operator.who,",
                "audit.write(subject, action, operator.reason,",
            ),
        ),
    ),
    Bug(
        "a transfer answered and not booked",
        "A transfer is answered with 201, and its entry is never committed.",
        "The client has paid in and owns nothing.",
        (
            Edit(
                TransferAssets._once,
                "if written := (*decided.changes, *written_with(approval)):",
                "if False:",
            ),
        ),
    ),
    Bug(
        "a failed message comes again after ten minutes",
        "The pauses between the tries of a failed message are ten minutes, not seconds.",
        "One lost race delays a client's order by ten minutes.",
        (
            Constant(mailbox_worker, "FIRST_PAUSE_SECONDS", 600),
            Constant(mailbox_worker, "LONGEST_PAUSE_SECONDS", 600),
        ),
    ),
    Bug(
        "the first retry waits as long as the last",
        "The pause of a failed message does not grow: it is the longest from the first try on.",
        "One lost race delays a client's order by a minute and a half.",
        (Constant(mailbox_worker, "FIRST_PAUSE_SECONDS", 90),),
    ),
)
