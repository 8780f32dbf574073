"""The figures of the model as tables, and the page docs/reference/capacity.md."""

from collections.abc import Iterable, Sequence
from math import ceil

from infra.catalog.functions import SERVICES
from tests.benchmarks.grid import Grid
from tests.capacity import arrivals, quotas
from tests.capacity.arrivals import AT_THE_OPEN, SESSION, SETTLEMENT
from tests.capacity.flow import Bucket, Environments
from tests.capacity.limits import CLOSES, COMPARISONS
from tests.capacity.model import BY_DAY, Run
from tests.capacity.requests import Excess
from trading.adapters.dynamodb.keys import ATTENTION_SHARDS
from trading.bootstrap.settings import ComparisonSettings, RateLimitSettings

WORTH_SHOWING = 0.005
LEFT = 9
"""A table whose cells are text: no column is aligned as numbers."""
_RATE_LIMIT = RateLimitSettings.model_fields
ORDERS_OF_A_CLIENT = (
    _RATE_LIMIT["rate_limit_requests"].default // _RATE_LIMIT["rate_limit_window_seconds"].default
)
"""The orders a second that the rate limit of an API key allows."""
HOUR = 3600.0
RESTING = (15_000, 1_000_000)
A_PART_OF_THE_CLOSE = 120
"""After so many seconds, a further invocation of the day close goes on."""
TRANSITIONS_OF_A_PAGE, EVENTS_OF_A_PAGE, HISTORY = 2, 8, 25_000
"""A page of the comparison is a task and a choice. `HISTORY`: the events that the history of a
Standard workflow has room for.
"""


def loads(runs: Sequence[Run]) -> Grid:
    """What became of the orders of each load."""
    lines: list[tuple[str, list[str]]] = [
        ("orders that arrived", [_count(run.arrived) for run in runs]),
        ("orders that were accepted", [_count(run.accepted) for run in runs]),
        ("orders that were refused (429 or 503)", [_count(run.refused) for run in runs]),
        ("accepted, but the sweeper starts the workflow", [_count(run.deferred) for run in runs]),
        ("orders that were cleared", [_count(run.cleared) for run in runs]),
        ("most orders under way at a time", [_count(run.most_open) for run in runs]),
        ("first limit that was reached", [_first(run) for run in runs]),
        ("… after", [_after(run) for run in runs]),
        ("… while so many orders a second arrived", [_rate(run) for run in runs]),
        ("cleared after the last arrival", [_time(_drained(run)) for run in runs]),
        ("settled after the evening's start", [_time(run.settled_by - SETTLEMENT) for run in runs]),
        ("USD a day", [f"{usd_a_day(run):,.0f} USD" for run in runs]),
    ]
    header = ["", *(run.load.name for run in runs)]
    return Grid("What becomes of the orders", header, [[name, *cells] for name, cells in lines])


def first_full(run: Run, shown: int = 25) -> Grid:
    """The rate of orders at which each limit is full, the lowest first."""
    rates = sorted(
        ((bucket.allowed / run.need(bucket), bucket) for bucket in _used(run)),
        key=lambda each: each[0],
    )
    rows = [
        [
            bucket.name,
            f"{bucket.allowed:,.0f} {unit(bucket)}",
            f"{run.need(bucket):.3g}",
            f"{rate:,.0f} orders/s",
        ]
        for rate, bucket in rates[:shown]
    ]
    header = ["limit", "allows", "an order takes", "full at"]
    return Grid("The rate at which each limit is full", header, rows)


def uses(runs: Sequence[Run]) -> Grid:
    """The busiest minute of each limit, until the evening."""
    rows = []
    for bucket in runs[0].buckets:
        seen = [run.by_day[bucket.name] for run in runs]
        if max(each.use for each in seen) >= WORTH_SHOWING:
            cells = [
                _percent(each.use) + (f" ({each.throttled:,} s)" if each.throttled else "")
                for each in seen
            ]
            rows.append([bucket.name, *cells])
    header = ["busiest minute (seconds throttled)", *(run.load.name for run in runs)]
    return Grid("Use of each limit", header, rows)


def evening(runs: Sequence[Run]) -> Grid:
    """What holds back the settlement."""
    rows = []
    for name in runs[0].in_the_evening:
        seen = [run.in_the_evening[name] for run in runs]
        if any(each.throttled for each in seen):
            rows.append([name, *(f"{_percent(each.use)} ({each.throttled:,} s)" for each in seen)])
    header = ["busiest minute (seconds throttled)", *(run.load.name for run in runs)]
    return Grid("What holds back the settlement", header, rows)


def comparison(runs: Sequence[Run]) -> Grid:
    """The pages of the comparison with the depository, if nothing else holds them back."""
    page = ComparisonSettings.model_fields["confirmations_per_page"].default
    rows: list[list[str]] = []
    for run in runs:
        trades = run.stations["reconcile"].served
        pages = max(1, ceil(trades / page))
        rows.append(
            [
                run.load.name,
                _count(trades),
                _count(pages),
                f"{_time(min(trades, page) / COMPARISONS.rate)} of "
                f"{SERVICES['settlement_reconcile'].timeout} s",
                _count(TRANSITIONS_OF_A_PAGE * pages),
                f"{EVENTS_OF_A_PAGE * pages:,} of {HISTORY:,}",
            ]
        )
    header = ["load", "trades", "pages", "a page takes", "transitions", "events of the history"]
    return Grid("The comparison with the depository", header, rows)


def close_of_the_day(run: Run) -> Grid:
    """How long the close takes to ask resting orders to expire, and their mailboxes to end them."""
    execution = run.limits.environments("execution")
    rate = execution.allowed / run.order.steps["execute"].seconds
    rows = []
    for resting in RESTING:
        asked = resting / ATTENTION_SHARDS / CLOSES.rate
        rows.append(
            [
                f"{resting:,}",
                _time(asked),
                _count(1 + ATTENTION_SHARDS * ceil(asked / A_PART_OF_THE_CLOSE)),
                _time(max(asked, resting / rate)),
            ]
        )
    header = ["resting DAY orders", "all are asked after", "invocations", "all are ended after"]
    return Grid("The close of the day", header, rows)


def queues(runs: Sequence[Run]) -> Grid:
    """How old the oldest order of each queue became, and how many waited."""
    rows = [
        [
            QUEUE_OF[name],
            *(
                ", ".join(
                    (
                        _time(run.stations[name].worst_age),
                        f"{_count(run.stations[name].most_waiting)} waiting",
                        f"drained after {_time(run.stations[name].longest_backlog)}",
                    )
                )
                if run.stations[name].longest_backlog
                else "none waits"
                for run in runs
            ),
        ]
        for name in BY_DAY
        if name in QUEUE_OF
    ]
    header = ["oldest order", *(run.load.name for run in runs)]
    return Grid("Age of each queue at its worst", header, rows, LEFT)


QUEUE_OF = {
    "log in": "clients that repeat their log-in",
    "sweep": "orders that the sweeper must start",
    "execute": "`execution.fifo`, messages to execute",
    "report": "reports that the exchanges repeat",
    "book fill": "`execution.fifo`, reports",
    "clear": "`clearing.fifo`",
}


def concurrency(run: Run) -> Grid:
    """The concurrency that each function needs, by Little's law."""
    rows = []
    for bucket in run.buckets:
        if not isinstance(bucket, Environments) or not run.need(bucket):
            continue
        function = bucket.name.rsplit(" ", 1)[1]
        reserved = SERVICES[function].reserved
        rows.append(
            [
                function,
                f"{reserved:,} executions" if reserved else "not reserved",
                *(f"{rate * run.need(bucket):,.0f} executions" for rate in (30, 300, AT_THE_OPEN)),
            ]
        )
    total = sum(run.need(b) for b in run.buckets if isinstance(b, Environments))
    rows.append(
        [
            "all",
            f"{quotas.CONCURRENCY.rate:,.0f} executions of the account",
            *(f"{rate * total:,.0f} executions" for rate in (30, 300, AT_THE_OPEN)),
        ]
    )
    header = ["function", "has", "30 orders/s", "300 orders/s", f"{AT_THE_OPEN:,} orders/s"]
    return Grid("Concurrency that is needed", header, rows)


def hot_keys(run: Run) -> Grid:
    """How full the partitions of keys are that all orders share."""
    rows = [
        [
            bucket.name.removeprefix("DynamoDB: "),
            f"{bucket.rate:,.0f} {bucket.quota.unit}",
            *(_percent(rate * need / bucket.rate) for rate in (30, 300, AT_THE_OPEN)),
        ]
        for bucket in _used(run)
        if ", key " in bucket.name and (need := run.need(bucket))
    ]
    rates = [f"{rate:,} orders/s" for rate in (30, 300, AT_THE_OPEN)]
    header = ["key", "its partitions allow", *rates]
    return Grid("Hot keys", header, rows)


def others(run: Run) -> Grid:
    """Quotas whose use does not depend on the rate of orders, or hardly."""
    workers = sum(bucket.most for bucket in run.buckets if isinstance(bucket, Environments))
    rows = [
        [
            "Secrets Manager: GetSecretValue",
            f"each worker reads {run.order.secrets:.0f} secrets a minute",
            f"{workers:,.0f} workers at most in {run.load.name}",
            _percent(workers * run.order.secrets / 60 / quotas.SECRET_VALUES.rate),
        ],
        [
            "EventBridge Scheduler: invocations",
            "the sweeper, and one for each shard at the open",
            f"{ATTENTION_SHARDS + 1} invocations/s",
            _percent((ATTENTION_SHARDS + 1) / quotas.SCHEDULED.rate),
        ],
        [
            "SQS: a partition of a FIFO queue",
            "one client with one API key at its rate limit, two messages an order",
            f"{2 * ORDERS_OF_A_CLIENT} requests/s",
            _percent(2 * ORDERS_OF_A_CLIENT / quotas.FIFO_PARTITION.rate),
        ],
        [
            "CloudWatch: PutMetricData",
            "metrics are embedded in the logs",
            "0 requests/s",
            "0%",
        ],
    ]
    return Grid("Other quotas", ["quota", "who uses it", "how much", "use"], rows, 3)


def too_small(found: Iterable[Excess]) -> Grid:
    """What is too small for the rate at the open, and what to do."""
    rows = [
        [
            each.bucket,
            f"{each.has:,.0f} {each.unit}",
            f"{each.needs:,.0f} {each.unit}",
            each.what_to_do,
        ]
        for each in found
    ]
    header = ["limit", "has", f"{AT_THE_OPEN:,} orders/s need", "what to do"]
    return Grid("Requests and changes", header, rows, LEFT)


def sources() -> Grid:
    """All quotas, with their source and date."""
    rows = [
        [
            f"{quota.service}: {quota.name}",
            f"{quota.rate:,.0f} {quota.unit}",
            f"{quota.burst:,.0f}" if quota.burst else "",
            quota.raised.value,
            f"[page]({quota.source})" if quota.source.startswith("https") else f"`{quota.source}`",
            quota.read.isoformat(),
            quota.doubt,
        ]
        for quota in quotas.QUOTAS
    ]
    header = ["quota", "value", "bucket", "raised", "source", "read", "what is uncertain"]
    return Grid("Quotas", header, rows, LEFT)


def usd_a_day(run: Run) -> float:
    """The charges of a session at this rate, as many orders as were accepted."""
    orders = run.accepted
    if run.load.until < arrivals.CLOSE:
        orders *= SESSION / (run.load.until - arrivals.OPEN)
    return orders * run.order.usd + run.order.usd_a_day


def unit(bucket: Bucket) -> str:
    """The unit of a bucket's rate."""
    return "executions" if isinstance(bucket, Environments) else bucket.quota.unit


def _used(run: Run) -> list[Bucket]:
    return [bucket for bucket in run.buckets if run.need(bucket) > 0]


def _drained(run: Run) -> int:
    return max(0, run.cleared_by - run.load.until)


def _first(run: Run) -> str:
    return run.first_throttled.bucket if run.first_throttled else "none"


def _after(run: Run) -> str:
    return _time(run.first_throttled.second) if run.first_throttled else ""


def _rate(run: Run) -> str:
    return f"{run.first_throttled.rate:,.0f} orders/s" if run.first_throttled else ""


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %" if 0 < value < 0.01 else f"{100 * value:.0f} %"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:,.1f} h"
