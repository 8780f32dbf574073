"""A date is made of a moment in one function, in New York. Around midnight in UTC and around
daylight saving, everything that needs today's date gets New York's.
"""

import ast
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ops.stuck import SETTLEMENT_TAKES, cycle_of, last_settled_day
from tests.fakes.world import World
from tests.unit.usecases.posttrade.cleared import cleared
from trading.domain.orders.order_times import expires_at
from trading.domain.posttrade.netting import Obligation
from trading.domain.reconciliation.checks import Reconciliation
from trading.domain.reference import calendars
from trading.domain.values import Side
from trading.usecases.posttrade.settle_obligations import NotDueError

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    *(ROOT / "layers").glob("*/python"),
    *(ROOT / name for name in ("functions", "ops", "cli", "local")),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DATES = {
    # Standard time: midnight is at 05:00 UTC.
    "2026-11-23T23:30": "2026-11-23",
    "2026-11-24T00:30": "2026-11-23",
    "2026-11-24T03:30": "2026-11-23",
    "2026-11-24T04:59:59.999999": "2026-11-23",
    "2026-11-24T05:00": "2026-11-24",
    # Daylight saving time: midnight is at 04:00 UTC.
    "2026-07-06T23:30": "2026-07-06",
    "2026-07-07T00:30": "2026-07-06",
    "2026-07-07T03:30": "2026-07-06",
    "2026-07-07T04:00": "2026-07-07",
    # Clocks go forward on Sunday, 8 March 2026, at 07:00 UTC.
    "2026-03-08T04:30": "2026-03-07",
    "2026-03-08T05:00": "2026-03-08",
    "2026-03-08T06:59": "2026-03-08",
    "2026-03-08T07:00": "2026-03-08",
    "2026-03-09T03:30": "2026-03-08",
    "2026-03-09T04:00": "2026-03-09",
    # Clocks go back on Sunday, 1 November 2026, at 06:00 UTC.
    "2026-11-01T03:30": "2026-10-31",
    "2026-11-01T04:00": "2026-11-01",
    "2026-11-01T05:30": "2026-11-01",
    "2026-11-01T06:30": "2026-11-01",
    "2026-11-02T04:30": "2026-11-01",
    "2026-11-02T05:00": "2026-11-02",
    # The year ends in New York five hours later than in UTC.
    "2027-01-01T00:30": "2026-12-31",
}
"""The dates in New York at moments in UTC."""

in_new_york = pytest.mark.parametrize(("moment", "day"), DATES.items())


@in_new_york
def test_a_moment_has_the_date_of_new_york(moment: str, day: str) -> None:
    assert calendars.date_in_new_york(utc(moment)) == date.fromisoformat(day)


@in_new_york
def test_a_settlement_cycle_without_a_date_is_todays(moment: str, day: str) -> None:
    world = World()
    world.now = utc(moment)
    assert world.plan(None, None).settlement_date == date.fromisoformat(day)


@in_new_york
def test_an_unsettled_trade_is_late_from_the_sixth_day_on(moment: str, day: str) -> None:
    today = date.fromisoformat(day)

    def late(days: int) -> bool:
        due = date.fromordinal(today.toordinal() - days)
        reconciliation = Reconciliation(began=utc(moment))
        reconciliation.add(
            Obligation(
                client_id="alice",
                settlement_date=due,
                symbol="AAPL",
                trade_id="trd_1",
                order_id="ord_1",
                side=Side.BUY,
                quantity=1,
                amount="1.00",  # type: ignore[arg-type]
                currency="USD",
            )
        )
        return any(finding.invariant == 7 for finding in reconciliation.wrong)

    assert (late(5), late(6)) == (False, True)


MIDNIGHTS = {
    "2026-11-23T15:00": "2026-11-24T05:00",
    "2026-07-06T15:00": "2026-07-07T04:00",
    "2026-03-06T15:00": "2026-03-09T04:00",
    "2026-10-30T15:00": "2026-11-02T05:00",
}
"""Moments of trading, and when the day begins on which the trade settles."""


@pytest.mark.parametrize(("traded", "due"), MIDNIGHTS.items())
def test_an_operator_settles_a_trade_from_midnight_in_new_york_on(traded: str, due: str) -> None:
    world = World()
    world.now = utc(traded)
    _, trade_id = cleared(world)
    world.now = utc(due)
    world.advance(seconds=-1)
    with pytest.raises(NotDueError):
        world.settle.settle_trade(trade_id)
    world.advance(seconds=1)
    assert world.settle.settle_trade(trade_id).settlement_date == utc(due).date()


SESSIONS = {
    "2026-11-23T20:59:59": "2026-11-23",
    "2026-11-23T21:00": "2026-11-24",
    "2026-11-23T23:30": "2026-11-24",
    "2026-11-24T00:30": "2026-11-24",
    "2026-11-24T03:30": "2026-11-24",
    "2026-11-25T23:30": "2026-11-27",  # Thanksgiving is on the 26th.
    "2026-11-26T03:30": "2026-11-27",
    "2026-11-27T18:00": "2026-11-30",  # The market closes early, before a weekend.
    "2026-03-06T20:59:59": "2026-03-06",
    "2026-03-07T03:30": "2026-03-09",
    "2026-03-09T19:59:59": "2026-03-09",
    "2026-03-09T20:00": "2026-03-10",
    "2026-10-30T19:59:59": "2026-10-30",
    "2026-10-31T00:30": "2026-11-02",
    "2026-11-02T20:59:59": "2026-11-02",
    "2026-11-02T21:00": "2026-11-03",
}
"""The sessions of moments in UTC."""


@pytest.mark.parametrize(("moment", "day"), SESSIONS.items())
def test_an_order_belongs_to_the_session_of_new_york(moment: str, day: str) -> None:
    world = World()
    world.now = utc(moment)
    order = world.order()
    session = date.fromisoformat(day)
    assert order.business_date == session
    assert world.books.account("alice").notional_date == session
    assert expires_at(order) == calendars.close_of(session)


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2026-03-06", "14:30", "21:00"),
        ("2026-03-09", "13:30", "20:00"),
        ("2026-10-30", "13:30", "20:00"),
        ("2026-11-02", "14:30", "21:00"),
        ("2026-11-27", "14:30", "18:00"),
    ],
)
def test_a_session_keeps_its_hours_in_new_york(day: str, opens: str, closes: str) -> None:
    session = date.fromisoformat(day)
    assert calendars.open_of(session) == utc(f"{day}T{opens}")
    assert calendars.close_of(session) == utc(f"{day}T{closes}")


@pytest.mark.parametrize("midnight", MIDNIGHTS.values())
def test_a_day_counts_as_settled_some_hours_after_its_cycle(midnight: str) -> None:
    begins, today = utc(midnight), calendars.date_in_new_york(utc(midnight))
    settled = (cycle_of(today) + SETTLEMENT_TAKES).astimezone(UTC)
    assert last_settled_day(begins - timedelta(seconds=1)) < today
    assert last_settled_day(begins) < today
    assert last_settled_day(settled - timedelta(seconds=1)) < today
    assert last_settled_day(settled) == today
    assert last_settled_day(begins + timedelta(days=1, seconds=-1)) == today


MADE_OF_MOMENTS = {
    "date",
    "today",
    "utcnow",
    "utcfromtimestamp",
    "strftime",
    "astimezone",
    "ctime",
    "year",
    "month",
    "day",
    "weekday",
    "isoweekday",
    "isocalendar",
    "toordinal",
    "timetuple",
    "utctimetuple",
}
ALLOWED = {
    "trading/domain/reference/calendars:date_in_new_york": "the one place",
    "trading/domain/reference/calendars:is_trading_day": "It looks at a date, not at a moment.",
    "trading/received:_in_range": "It bounds the years that a venue may state.",
    "trading/domain/values:iso": "It writes a moment in UTC.",
    "trading/adapters/dynamodb/audit:TableAuditTrail.latest": "The index has months of UTC.",
    "trading/adapters/dynamodb/audit:TableAuditTrail._put": "The index has months of UTC.",
    "ops/jobs:close_day": "An operator types the date.",
    "ops/jobs:settle": "An operator types the date.",
    "local/calendar:bank_holidays": "It counts the days of whole years.",
    "local/calendar:exchange_holidays": "It counts the days of whole years.",
    "local/run:play": "It names a run on a laptop.",
}


def is_made_of_a_moment(node: ast.AST) -> bool:
    """Whether an expression may make a date, or a part of one, of a moment."""
    match node:
        case ast.Attribute(attr=name):
            return name in MADE_OF_MOMENTS
        case ast.Call(func=ast.Attribute(attr="now" | "fromtimestamp" as name), args=arguments):
            on_class = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value)
            return on_class == "datetime" and len(arguments) < (2 if name == "fromtimestamp" else 1)
        case ast.Subscript(value=ast.Call(func=called), slice=ast.Slice()):
            return ast.unparse(called).endswith(("iso", "isoformat"))
        case ast.FormattedValue(format_spec=ast.JoinedStr() as spec):
            return "%" in ast.unparse(spec)
    return False


def dates_made(tree: ast.AST, within: tuple[str, ...] = ()) -> Iterator[str]:
    """The functions that make dates of moments."""
    for node in ast.iter_child_nodes(tree):
        if is_made_of_a_moment(node):
            yield ".".join(within)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from dates_made(node, (*within, node.name))
        else:
            yield from dates_made(node, within)


def test_no_other_function_makes_a_date_of_a_moment() -> None:
    found = set()
    for source in SOURCES:
        base = source if source.name == "python" else ROOT
        for path in sorted(source.rglob("*.py")):
            module = path.relative_to(base).with_suffix("")
            found |= {f"{module}:{name}" for name in dates_made(ast.parse(path.read_text()))}
    assert found == set(ALLOWED)


@pytest.mark.parametrize(
    "source",
    [
        "now().date()",
        "datetime.now(UTC).date()",
        "date.today()",
        "datetime.utcnow()",
        "datetime.now()",
        "datetime.fromtimestamp(seconds)",
        "iso(now)[:10]",
        "now.isoformat()[:10]",
        "f'{now:%Y-%m-%d}'",
        "now.strftime('%d')",
        "now.astimezone(NEW_YORK)",
        "date(now.year, 1, 1)",
    ],
)
def test_the_search_finds_every_way_to_make_a_date(source: str) -> None:
    assert list(dates_made(ast.parse(source)))
