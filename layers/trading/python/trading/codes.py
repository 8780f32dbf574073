"""All codes of the system, for the reference tables of the documentation.

Exit codes belong to the command lines: `cli.failures.Exit` and `ops.screen.Exit`.
"""

from collections.abc import Mapping

from trading.adapters.http.problems import ProblemCode
from trading.domain.coded import Coded
from trading.domain.errors import ErrorCode
from trading.domain.ledger import BreakCode, EntryKind
from trading.domain.orders.attention import AttentionReason
from trading.domain.orders.reasons import EndReason, RejectReason
from trading.metrics import Metric

CODES: Mapping[str, type[Coded]] = {
    "Reject reasons": RejectReason,
    "Ending reasons": EndReason,
    "Attention reasons": AttentionReason,
    "Errors of use cases": ErrorCode,
    "Errors of requests": ProblemCode,
    "Ledger entry kinds": EntryKind,
    "Break codes": BreakCode,
    "Metrics": Metric,
}
"""Each enum under the title of its table. A member is its code and has a `sentence`; a metric also
has a `unit`.
"""
