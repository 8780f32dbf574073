"""The page docs/reference/capacity.md."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.benchmarks.grid import Grid
from tests.capacity import report, requests
from tests.capacity.arrivals import AT_THE_OPEN, OPEN_SECONDS, ORDERS_A_DAY
from tests.capacity.limits import ORDERS_PER_INVOCATION, SWEEPS
from tests.capacity.model import HOP_SECONDS, SWEPT_AFTER, VENUE_SECONDS, Run
from trading.usecases.execution.sweep_orders import ORDERS_PER_SWEEP

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "capacity.md"


def chapters(runs: Sequence[Run], afterwards: Sequence[Run]) -> list[tuple[str, str, list[Grid]]]:
    """The chapters: heading, text, tables. `afterwards`: the runs with all requests granted."""
    first = runs[0]
    changes = [
        report.too_small(requests.excesses(first)),
        report.loads(afterwards),
        report.queues(afterwards),
    ]
    use = [
        report.uses(runs),
        report.evening(runs),
        report.comparison(runs),
        report.close_of_the_day(first),
        report.others(runs[-1]),
    ]
    asked = f"{CHANGES.strip()}\n\n> {requests.concurrency(first)}"
    return [
        ("Loads", LOADS, [report.loads(runs)]),
        ("What is full first", FIRST, [report.first_full(first)]),
        ("Use of each limit", USE, use),
        ("Queues", QUEUES, [report.queues(runs)]),
        ("Concurrency", CONCURRENCY, [report.concurrency(first)]),
        ("Hot keys", HOT_KEYS, [report.hot_keys(first)]),
        ("What to ask for, and what to change", asked, changes),
        ("Quotas", SOURCES, [report.sources()]),
    ]


def document(chapters: Iterable[tuple[str, str, list[Grid]]]) -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for heading, text, grids in chapters:
        parts += [f"## {heading}", text.strip(), *(grid.markdown() for grid in grids)]
    return "\n\n".join(parts) + "\n"


HEAD = f"""# Capacity

`make capacity WRITE=1` writes this page. Do not edit it.

How many orders a second can production take, and what stops it first? A model answers, because
nobody can put such a load on a laptop. It plays the steps of plain orders, second by second,
against the quotas of AWS and the limits that the deployment sets. What an order uses in each step
comes from the [measured costs](costs.md). [The decision](../decisions/0148-a-model-of-capacity.md)
says why it is a model of our own.

How the model works:

- Orders are amounts that flow from step to step. What is served in a second arrives at the next
  step {HOP_SECONDS} s later. An exchange reports an execution after {VENUE_SECONDS} s.
- A quota is a token bucket. Concurrency follows from Little's law: a rate times a duration.
- When a bucket is short, those who want it get the same part of what they want. So a higher limit
  can move the waiting to another queue, where the next limit is.
- What the API cannot take at once is refused. The clients' repetitions are not played.
- Messages wait in their queue. A failed message's pauses and repeated work are left out. A worker
  moves a message to the dead-letter queue after eight tries, about four minutes. So an age of some
  minutes there means that operators must redrive messages.
- An order whose workflow cannot start waits {SWEPT_AFTER} s for the sweeper. The sweeper divides
  what is due in a minute among invocations: {ORDERS_PER_INVOCATION} orders for each, and
  {ORDERS_PER_SWEEP:,} in all. That makes {SWEEPS.rate:.0f} orders/s.
- New environments and pollers come at the rates that AWS documents. An on-demand table has what a
  new one has, and doubles with its peaks.
- The events of an order come in one batch, as they do when orders are frequent.
- The venues are real ones: the simulators have no limits here. Every client has one order a day to
  settle, which is the worst case.
- Durations are the estimates of the cost page. Cold starts, failures and other requests of clients
  are left out."""
LOADS = f"""
The flat loads begin at the open of the market. The day has {ORDERS_A_DAY:,} orders: {AT_THE_OPEN:,}
orders/s for {OPEN_SECONDS} s at the open, then a curve that falls, and rises again before the
close. The charges of a day are those of a whole session at that rate, with a day's part
of the monthly charges. They count accepted orders only.
"""
FIRST = """
The rate of orders at which each limit would be full if the rate lasted. A bucket carries a burst
beyond it for some seconds.
"""
USE = """
The mean of the busiest minute as a part of what the limit allows, until the evening. In brackets:
the seconds in which the limit held somebody back. A burst can exceed 100 %. Tables are compared
with what a new table has.

The comparison with the depository and the close of the day go on page by page. Their tables assume
that nothing else holds them back. An expiry is assumed to take as long as sending an order.
"""
QUEUES = """
The age of the oldest entry at its worst, the most entries that waited, and the longest time until
nobody waited any more.
"""
CONCURRENCY = """
The rate of orders times the duration, if no limit holds anybody back. An environment answers ten
synchronous requests a second at most, so a short request counts as a tenth of a second. Functions
without a reservation share what the reservations leave.
"""
HOT_KEYS = """
DynamoDB splits a busy table into more partitions, but not one key whose sort key is the time. If
the sort key spreads, it may split the key after some minutes of load. So what is due [is
spread](../decisions/0150-due-obligations-in-shards.md) over several keys.
"""
CHANGES = f"""
These limits cannot give what {AT_THE_OPEN:,} orders/s take if the rate lasts. The new values have a
margin of a quarter. The queues can also absorb a short rush: the tables above show the ages. The
last tables play the same loads with all of it done.

Reservations need room in the account:
"""
SOURCES = """
Values of us-east-1. They were read in stored copies of AWS's pages, so the console of Service
Quotas has the last word. `bucket` is the size of a token bucket, if there is one.
"""
