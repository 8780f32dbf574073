"""The explanation pages agree with the code: the tests and faults that they name exist, and their
figures are those of the code.
"""

import itertools
import re
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from functions.auth.settings import Settings
from infra.catalog import schedules
from infra.catalog.functions import FUNCTIONS
from infra.constructs import event_bus as bus_of_events
from infra.constructs import mailbox
from infra.events import LONGEST_IN_STREAM
from tests.fakes.builders import routed_order
from tests.simulation.faults import Rates
from tests.unit.test_timeouts import constant, duration
from trading.adapters.dynamodb import event_log, prices, reconciliation_reports, reference_data
from trading.adapters.faces.trade_records import PlacedTrade, TradeRecord
from trading.adapters.http import idempotency, throttle
from trading.adapters.http.problems import ProblemCode
from trading.adapters.messaging import event_bus, mailbox_worker
from trading.adapters.messaging.event_log_writer import CHECK_AFTER_SECONDS
from trading.adapters.runtime import aws
from trading.adapters.venues import exchanges, http, secrets, signatures
from trading.bootstrap import settings
from trading.domain import connections
from trading.domain.clients import lockout, signed_requests
from trading.domain.connections import Ending
from trading.domain.errors import ErrorCode
from trading.domain.ledger import BreakCode
from trading.domain.orders import attention, execution_times, order_entry, order_times, watch
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason, RejectReason
from trading.domain.reconciliation import checks, findings
from trading.domain.reference import calendars
from trading.usecases.accounts import follow_events
from trading.usecases.execution import sweep_orders
from trading.usecases.posttrade import reconcile_books, settlement_cycle
from trading.usecases.streaming import push_events

ROOT = Path(__file__).resolve().parents[2]
CODED = (
    attention.AttentionReason,
    BreakCode,
    Ending,
    EndReason,
    ErrorCode,
    ProblemCode,
    RejectReason,
)
CODES = {str(code) for codes in CODED for code in codes}
BEFORE_A_FILL = (OrderStatus.RECEIVED, OrderStatus.VALIDATED, OrderStatus.ROUTING)
VISIBILITY_SECONDS = mailbox.VISIBILITY_FACTOR * FUNCTIONS["execution"].timeout
LOG_VISIBILITY_SECONDS = mailbox.VISIBILITY_FACTOR * FUNCTIONS["event_log"].timeout
DAY_OF_A_STREAM = 24
"""Hours for which DynamoDB keeps the records of a stream."""
TOKEN_SECONDS = Settings.model_fields["token_lifetime_seconds"].default
PAGES = ROOT / "docs" / "explanation"


def words(page: str) -> str:
    """A page's text without its line breaks."""
    return " ".join((PAGES / page).read_text().split())


def rows(page: str, columns: int) -> list[list[str]]:
    """The rows of the page's tables with that many columns, without their headings."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (PAGES / page).read_text().splitlines()
        if line.startswith("| ")
    ]
    return [cells for cells in lines if len(cells) == columns and cells[0] != "fault"]


FAULTS = {row[0]: row for row in rows("failures.md", 5)}
TESTS = [row for row in rows("failures.md", 2) if "::" in row[1]]


@pytest.mark.parametrize("row", TESTS, ids=lambda row: row[0])
def test_the_test_that_the_page_names_for_a_fault_exists(row: list[str]) -> None:
    path, _, name = row[1].strip("`").partition("::")
    assert f"def {name}(" in (ROOT / path).read_text()


def test_every_fault_has_a_test_and_the_simulation_knows_the_named_faults() -> None:
    assert [row[0] for row in TESTS] == list(FAULTS)
    simulated = {name for row in FAULTS.values() for name in re.findall(r"`(\w+)`", row[4])}
    assert simulated - set(Rates.__dataclass_fields__) == set()


def test_no_fault_is_left_out() -> None:
    assert len(FAULTS) > 25


def test_the_page_lists_the_reasons_for_attention() -> None:
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| ([a-z, ]+) \| ([a-z ]+) \| ", (PAGES / "failures.md").read_text(), re.M
    )
    assert {reason: acting for reason, acting, _ in rows} == {
        str(reason): ", ".join(who.lower().replace("_", " ") for who in reason.responders)
        for reason in attention.AttentionReason
    }
    assert {reason: push for reason, _, push in rows if reason != "UNDER_REVIEW"} == {
        str(reason): push.lower() for reason, push in attention.PUSH_OF.items()
    }


def test_every_package_is_explained() -> None:
    package = ROOT / "layers" / "trading" / "python" / "trading"
    packages = {
        path.parent.name
        for layer in ("domain", "usecases", "adapters")
        for path in (package / layer).glob("*/__init__.py")
    }
    page = (PAGES / "layers.md").read_text().partition("## Inside the layers")[2]
    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert packages == set(listed)


def test_every_code_exists_and_every_break_is_explained() -> None:
    pages = "".join(page.read_text() for page in PAGES.glob("*.md"))
    named = set(re.findall(r"`(?:\d+ )?([A-Z]+_[A-Z_]+)`", pages))
    assert named - CODES == set()
    assert [code for code in BreakCode if f"`{code}`" not in pages] == []


MONDAY = datetime(2026, 11, 23, tzinfo=calendars.NEW_YORK)
MOMENTS = {
    "Monday 3:00": MONDAY.replace(hour=3),
    "Monday 15:59": MONDAY.replace(hour=15, minute=59),
    "Monday 16:00": MONDAY.replace(hour=16),
    "Saturday noon": MONDAY.replace(day=21, hour=12),
    "the evening before Thanksgiving": MONDAY.replace(day=25, hour=19),
}


@pytest.mark.parametrize("placed", MOMENTS)
def test_the_page_gives_correct_business_dates(placed: str) -> None:
    found = re.search(rf"\| {placed} \| (?:the )?(\w+)", words("time.md"))
    assert found
    assert f"{calendars.business_date(MOMENTS[placed]):%A}" == found[1]


def test_the_page_lists_the_checked_invariants() -> None:
    listed = re.findall(r"^\| (\d+) \|", (PAGES / "reconciliation.md").read_text(), re.MULTILINE)
    assert [int(number) for number in listed] == list(findings.INVARIANTS)


def test_the_page_lists_the_checks_in_their_order() -> None:
    page = (PAGES / "order-entry.md").read_text().split("## The worst price")[0]
    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert listed == [code for code in RejectReason if code is not RejectReason.REPLACE_TOO_LATE]


def statuses() -> list[list[str]]:
    """The rows of the table of trade records' statuses."""
    lines = (PAGES / "reading.md").read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| order | `/trade"))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def filled(status: OrderStatus, row: str) -> int:
    """How many of the order's 100 shares are filled in a status. A row need not say it."""
    if row.endswith("a part filled") or status is OrderStatus.PARTIALLY_FILLED:
        return 40
    return 0 if row.endswith("nothing filled") or status in BEFORE_A_FILL else 100


def test_the_page_lists_the_statuses_of_trade_records() -> None:
    shown = set()
    for row, trade, placed in statuses():
        for status in map(OrderStatus, re.findall(r"[A-Z_]{6,}", row)):
            order = routed_order().model_copy(
                update={"status": status, "filled_quantity": filled(status, row)}
            )
            assert TradeRecord.of(order).status == trade, status
            assert PlacedTrade.of(order).status == placed, status
            shown.add(status)
    assert shown == set(OrderStatus)


def minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)


def seconds(time: timedelta) -> int:
    return int(time.total_seconds())


def clock(at: time) -> str:
    return f"{at:%H:%M}"


IN_WORDS = {3: "three", 4: "four", 7: "seven", 10: "ten", 50: "fifty", 100: "a hundred"}


def words_of(number: int | None) -> str:
    """The number as the pages write it in a sentence."""
    return IN_WORDS.get(number or 0, str(number))


SECONDS_OF_A_PUSH = FUNCTIONS["push"].timeout - int(
    duration("functions/push/handler.py", "LEFT_FOR_THE_END")
)
SECONDS_OF_A_MESSAGE = aws.DISPENSABLE_CONFIG.connect_timeout + aws.DISPENSABLE_CONFIG.read_timeout

FIGURES = [
    ("order-entry.md", "the client has {} open orders", order_entry.MAX_OPEN_ORDERS),
    ("reconciliation.md", "for {} days", reconciliation_reports.KEPT_FOR.days),
    (
        "reconciliation.md",
        "the first {0} findings and the newest {0} breaks",
        reconcile_books.LISTED,
    ),
    ("time.md", "| GTC | {} days after", order_times.GTC_LIFETIME.days),
    ("time.md", "| {} minutes after it was accepted |", minutes(order_times.IMMEDIATE_LIFETIME)),
    ("time.md", "| {} minute |", minutes(execution_times.CLOCK_SKEW)),
    ("time.md", "| {} minutes after the close |", minutes(execution_times.AFTER_THE_CLOSE)),
    ("time.md", "we learned of it | {} days |", execution_times.LATEST_REPORT.days),
    ("time.md", "| open | {:%-H:%M} |", calendars.OPEN),
    ("time.md", "| close | {:%H:%M} |", calendars.CLOSE),
    ("time.md", "| early close | {:%H:%M} |", calendars.EARLY_CLOSE),
    ("time.md", "| {} | the settlement cycle |", clock(schedules.SETTLEMENT_CYCLE_AT)),
    ("time.md", "| {} | the settlement cycle again |", clock(schedules.SETTLEMENT_CYCLE_AGAIN_AT)),
    ("time.md", "client profile | {} seconds |", seconds(reference_data.CACHED_FOR)),
    ("time.md", "in a portfolio | {} seconds |", seconds(prices.READ_MAX_AGE)),
    ("time.md", "venue secret | {} minutes |", minutes(secrets.CACHE_FOR)),
    ("accounts.md", "at most every {} seconds", seconds(prices.WRITE_INTERVAL)),
    ("accounts.md", "keeps them for {} seconds", seconds(prices.READ_MAX_AGE)),
    ("settlement.md", "every later cycle of the next {} days", settlement_cycle.LOOK_BACK.days),
    (
        "settlement.md",
        "A page ends after {:,} confirmations",
        settings.ComparisonSettings.model_fields["confirmations_per_page"].default,
    ),
    (
        "failures.md",
        "If more than {} orders are due",
        settings.SweeperSettings.model_fields["orders_per_invocation"].default,
    ),
    ("failures.md", "{:,} a minute at most", sweep_orders.ORDERS_PER_SWEEP),
    ("exactly-once.md", "for {} hours", minutes(idempotency.DEFAULT_LIFETIME) // 60),
    (
        "order-life.md",
        "after {0[0]} second and after {0[1]}.",
        [seconds(after) for after in watch.LOOKS_AFTER],
    ),
    (
        "order-life.md",
        "for at least {0[0]} seconds from the acceptance",
        [seconds(watch.LOOKS_AFTER[-1])],
    ),
    (
        "order-life.md",
        "A worker relies on it for {} of them.",
        seconds(watch.LOOKS_AFTER[-1] - watch.CLOCKS_DIFFER_BY),
    ),
    ("identity.md", "a key is locked for {} seconds", seconds(lockout.FIRST_LOCK)),
    ("identity.md", "up to {} minutes", minutes(lockout.OF_A_KEY.longest_lock)),
    ("identity.md", "for {} minute at most", minutes(lockout.OF_AN_ADDRESS.longest_lock)),
    ("identity.md", "After {} failures from one address", lockout.OF_AN_ADDRESS.failures),
    ("venues.md", "more than {} seconds", signatures.REPLAY_WINDOW_SECONDS),
    ("venues.md", "After {} seconds one worker", exchanges.RECOVERY_SECONDS),
    (
        "failures.md",
        "| `WORKFLOW_TO_START` | sweeper | start | after {} minute |",
        minutes(attention.LOOK_AGAIN_AFTER),
    ),
    ("failures.md", "poll | after {} minutes at the latest", minutes(attention.SILENT_LOOK_AFTER)),
    (
        "failures.md",
        "after {0[0]} to {0[1]} minutes",
        (
            minutes(attention.RESTING_LOOK_AFTER - attention.RESTING_LOOKS_SPREAD),
            minutes(attention.RESTING_LOOK_AFTER),
        ),
    ),
    ("failures.md", "it after {} receives", mailbox.MAX_RECEIVES),
    ("failures.md", "| the queue | after {} seconds |", VISIBILITY_SECONDS),
    ("identity.md", "valid for {} minutes", TOKEN_SECONDS // 60),
    ("identity.md", "older than {} minutes", minutes(signed_requests.LONGEST_AGE)),
    ("identity.md", "more than {} seconds ahead", seconds(signed_requests.LONGEST_AHEAD)),
    ("failures.md", "After {} tries the worker moves it", mailbox_worker.MAX_TRIES),
    ("failures.md", "its message comes again | queue | {} s |", LOG_VISIBILITY_SECONDS),
    ("events.md", "a delay of {} minutes", words_of(CHECK_AFTER_SECONDS // 60)),
    ("events.md", "in the log | {} days after its transaction |", event_log.KEPT_FOR.days),
    ("events.md", '[("events, {} days")]', words_of(event_log.KEPT_FOR.days)),
    ("events.md", "more than {} days starts from the books", words_of(event_log.KEPT_FOR.days)),
    ("events.md", "put again, up to {} times", words_of(event_bus.TRIES - 1)),
    ("events.md", "| {} hours of tries,", bus_of_events.LONGEST_DELIVERY.to_hours()),
    ("events.md", "tries again for {} hours", bus_of_events.LONGEST_DELIVERY.to_hours()),
    ("events.md", "after {} failures it moves to", bus_of_events.MAX_RECEIVES),
    ("events.md", '"failed {} times"', bus_of_events.MAX_RECEIVES),
    ("events.md", "then {} days in `events-dlq`", mailbox.DEAD_LETTERS_KEPT_FOR.to_days()),
    (
        "events.md",
        "at most {:g} seconds a request",
        constant("functions/event_feed/handler.py", "LONGEST_WAIT_SECONDS"),
    ),
    ("events.md", "At most {} can wait", words_of(FUNCTIONS["event_feed"].reserved)),
    ("events.md", "only the first {} in a window", words_of(throttle.WAITING_REQUESTS)),
    ("stream.md", "A client has {} connections at most", words_of(connections.MOST_CONNECTIONS)),
    ("stream.md", "`UNREACHABLE` | {} pushes in a row", words_of(connections.MOST_FAILURES)),
    ("stream.md", "sends it again {} seconds later", words_of(seconds(push_events.FAILED_AGAIN))),
    ("stream.md", "In production at most {} of them run", FUNCTIONS["push"].reserved),
    ("stream.md", "stops after {} seconds", words_of(SECONDS_OF_A_PUSH)),
    ("stream.md", "by about {} seconds", SECONDS_OF_A_MESSAGE),
    (
        "failures.md",
        "after a pause that doubles, from {0[0]} to {0[1]} seconds",
        (mailbox_worker.FIRST_PAUSE_SECONDS, mailbox_worker.LONGEST_PAUSE_SECONDS),
    ),
]


@pytest.mark.parametrize(("page", "phrase", "figure"), FIGURES)
def test_a_figure_on_a_page_is_that_of_the_code(page: str, phrase: str, figure: object) -> None:
    assert phrase.format(figure) in words(page)


def test_a_circuit_opens_after_three_failures_and_retries_have_a_budget_of_ten() -> None:
    assert exchanges.BREAKER.failure_threshold == 3
    assert http.RETRY_BUDGET == 10 * http.RETRY_COST
    page = words("venues.md")
    assert "After three failures in a row" in page
    assert "after ten in a row" in page


def test_a_lost_event_is_waited_for_for_an_hour_and_a_batch_is_repeated_for_a_day() -> None:
    assert timedelta(hours=1) == follow_events.LOST_AFTER
    assert LONGEST_IN_STREAM.to_hours() == DAY_OF_A_STREAM - 1
    page = words("events.md")
    assert "waits behind a gap for an hour" in page
    assert "repeats the batch for a day" in page
    assert f"| a record of a stream | {DAY_OF_A_STREAM} hours |" in page


def test_a_missing_event_is_noticed_within_the_documented_time() -> None:
    shown = FAULTS["an event is lost"][3]
    assert shown == "5 min after the next event"
    assert CHECK_AFTER_SECONDS < 5 * 60


def test_a_key_is_locked_after_the_fifth_failure() -> None:
    assert (lockout.lock_after(4), lockout.lock_after(5)) == (timedelta(0), lockout.FIRST_LOCK)
    assert "After the fifth failure with a key" in words("identity.md")


def test_late_work_is_reported_after_the_documented_number_of_days() -> None:
    late = (checks.ORDER_IS_LATE_AFTER.days, checks.SETTLEMENT_IS_LATE_AFTER.days)
    assert late == (1, 5)
    page = words("reconciliation.md")
    assert "should have ended a day ago" in page
    assert "passed five days ago" in page
