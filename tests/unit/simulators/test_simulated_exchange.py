from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.behaviour import ExchangeBehaviour
from simulators.dice import Dice
from simulators.exchange import (
    BookedOrder,
    Tombstone,
    cancel,
    expire,
    match,
    split_quantity,
    validate,
)
from simulators.market import Listing
from simulators.problem import Problem
from tests.unit.simulators.builders import (
    APPLE,
    DICE,
    FAULTLESS,
    NOW,
    QUOTE,
    booked_order,
    submit_order,
)
from trading.domain.reference.calendars import business_date, close_of
from trading.domain.values import Side, TimeInForce
from trading.wire import ExecType, ExecutionReport, VenueOrderStatus, VenueQuote

cents = st.integers(min_value=1, max_value=50_000).map(lambda value: Decimal(value) / 100)
orders = st.builds(
    booked_order,
    side=st.sampled_from(Side),
    quantity=st.integers(min_value=1, max_value=5000),
    limit_price=cents,
    stop_price=st.none() | cents,
    time_in_force=st.sampled_from(TimeInForce),
    client_order_id=st.text("abcdef0123456789", min_size=1, max_size=8),
)
quotes = st.builds(
    lambda bid, spread, sizes: VenueQuote(
        exchange_id="XNYS", bid=bid, bid_size=sizes[0], ask=bid + spread, ask_size=sizes[1]
    ),
    cents,
    cents,
    st.tuples(st.integers(0, 3000), st.integers(0, 3000)),
)
rates = st.sampled_from([Decimal(0), Decimal("0.5"), Decimal(1)])
behaviours = st.builds(ExchangeBehaviour, reject_rate=rates, partial_rate=rates)


def work(
    booked: BookedOrder, market: list[VenueQuote], behaviour: ExchangeBehaviour
) -> tuple[BookedOrder, list[Any]]:
    """The order and its reports after it met these quotes one after another."""
    reports: list[ExecutionReport] = []
    for quote in market:
        outcome = None if booked.status.is_final else match(booked, quote, behaviour, DICE, NOW)
        if outcome:
            booked = outcome.booked
            reports += outcome.reports
    return booked, reports


@given(orders, st.lists(quotes, max_size=6), behaviours)
def test_fills_never_exceed_the_order_the_market_or_the_limit(
    booked: BookedOrder, market: list[VenueQuote], behaviour: ExchangeBehaviour
) -> None:
    order = booked.order
    for quote in market:
        outcome = None if booked.status.is_final else match(booked, quote, behaviour, DICE, NOW)
        if outcome is None:
            continue
        price, size = (
            (quote.ask, quote.ask_size) if order.side is Side.BUY else (quote.bid, quote.bid_size)
        )
        fills = [report for report in outcome.reports if report.exec_type is ExecType.TRADE]
        assert len(fills) <= 3
        assert outcome.taken == sum(fill.last_quantity for fill in fills) <= size
        assert (
            outcome.booked.cumulative_quantity
            == booked.cumulative_quantity + outcome.taken
            <= order.quantity
        )
        assert all(fill.last_price == price and fill.last_quantity > 0 for fill in fills)
        assert all((order.limit_price - price) * order.side.sign >= 0 for _ in fills)
        booked = outcome.booked


@given(orders, st.lists(quotes, min_size=1, max_size=6), behaviours)
def test_the_reports_add_up_to_the_order(
    booked: BookedOrder, market: list[VenueQuote], behaviour: ExchangeBehaviour
) -> None:
    final, reports = work(booked, market, behaviour)
    running = 0
    for report in reports:
        running += report.last_quantity
        assert report.cumulative_quantity == running
        working = report.exec_type is ExecType.TRADE
        assert report.leaves_quantity == (booked.order.quantity - running if working else 0)
    assert len({report.execution_id for report in reports}) == len(reports) == final.report_count
    assert all(len(report.execution_id) <= 64 for report in reports)
    assert final.state(reports).cumulative_quantity == sum(
        each.quantity for each in final.state(reports).executions
    )
    if final.status in (VenueOrderStatus.CANCELED, VenueOrderStatus.REJECTED):
        assert reports[-1].exec_type.value == final.status.value
    assert (final.status is VenueOrderStatus.FILLED) == (
        final.cumulative_quantity == booked.order.quantity
    )


@given(orders, quotes, behaviours)
def test_the_same_seed_gives_the_same_match(
    booked: BookedOrder, quote: VenueQuote, behaviour: ExchangeBehaviour
) -> None:
    assert match(booked, quote, behaviour, Dice("s"), NOW) == match(
        booked, quote, behaviour, Dice("s"), NOW
    )


@given(orders, quotes, behaviours)
def test_immediate_orders_end_at_once_and_a_fok_fills_completely_or_not_at_all(
    booked: BookedOrder, quote: VenueQuote, behaviour: ExchangeBehaviour
) -> None:
    final, _ = work(booked, [quote], behaviour)
    if not booked.order.time_in_force.rests:
        assert final.status.is_final
    if booked.order.time_in_force is TimeInForce.FOK:
        assert final.cumulative_quantity in (0, booked.order.quantity)


def test_a_partial_fill_of_a_day_order_rests_and_is_filled_as_liquidity_comes() -> None:
    booked = booked_order(quantity=1500)
    partly, _ = work(booked, [QUOTE], FAULTLESS)
    assert (partly.status, partly.cumulative_quantity) == (VenueOrderStatus.PARTIALLY_FILLED, 1000)
    filled, _ = work(partly, [QUOTE], FAULTLESS)
    assert (filled.status, filled.leaves_quantity) == (VenueOrderStatus.FILLED, 0)


def test_an_order_away_from_the_market_rests_without_a_report() -> None:
    assert match(booked_order(limit_price=Decimal("228.49")), QUOTE, FAULTLESS, DICE, NOW) is None


def moved(by: str) -> VenueQuote:
    """The quote with its midpoint moved from 228.45."""
    return QUOTE.model_copy(update={"bid": QUOTE.bid + Decimal(by), "ask": QUOTE.ask + Decimal(by)})


@pytest.mark.parametrize(
    ("side", "limit", "before", "reached"),
    [(Side.BUY, "240.00", "0.99", "1.00"), (Side.SELL, "200.00", "-0.99", "-1.00")],
)
def test_a_stop_order_is_elected_when_the_midpoint_reaches_its_stop_price(
    side: Side, limit: str, before: str, reached: str
) -> None:
    booked = booked_order(
        side=side, limit_price=Decimal(limit), stop_price=Decimal("228.45") + Decimal(reached)
    )
    assert match(booked, moved(before), FAULTLESS, DICE, NOW) is None
    filled, reports = work(booked, [moved(reached)], FAULTLESS)
    assert (filled.status, filled.elected) == (VenueOrderStatus.FILLED, True)
    assert {report.exec_type for report in reports} == {ExecType.TRADE}


def test_an_elected_order_stays_elected_when_the_price_returns() -> None:
    booked = booked_order(stop_price=Decimal("229.45"), limit_price=Decimal("229.00"))
    outcome = match(booked, moved("1.00"), FAULTLESS, DICE, NOW)
    assert outcome is not None
    elected = outcome.booked
    assert (elected.elected, elected.status, outcome.reports) == (True, VenueOrderStatus.NEW, ())
    assert elected.version == booked.version + 1
    assert match(elected, moved("1.00"), FAULTLESS, DICE, NOW) is None, (
        "the limit of the order is not reached"
    )
    filled, _ = work(elected, [QUOTE], FAULTLESS)
    assert filled.status is VenueOrderStatus.FILLED


def test_a_different_stop_price_makes_a_different_order() -> None:
    booked = booked_order(stop_price=Decimal("229.00"))
    assert booked.has_terms_of(submit_order(stop_price=Decimal("229.00")))
    assert not booked.has_terms_of(submit_order(stop_price=Decimal("229.01")))
    assert not booked.has_terms_of(submit_order())


def test_an_ioc_remainder_is_canceled_not_rejected() -> None:
    final, reports = work(
        booked_order(quantity=1500, time_in_force=TimeInForce.IOC), [QUOTE], FAULTLESS
    )
    assert (final.status, final.cumulative_quantity, final.leaves_quantity) == (
        VenueOrderStatus.CANCELED,
        1000,
        0,
    )
    assert reports[-1].exec_type is ExecType.CANCELED
    assert reports[-1].cumulative_quantity == 1000


def test_a_seeded_reject_fills_nothing() -> None:
    behaviour = FAULTLESS.overridden({"reject_rate": 1})
    final, reports = work(booked_order(), [QUOTE], behaviour)
    assert (final.status, final.cumulative_quantity) == (VenueOrderStatus.REJECTED, 0)
    assert [report.exec_type for report in reports] == [ExecType.REJECTED]


def test_a_seeded_partial_fill_leaves_shares_that_the_market_had() -> None:
    final, _ = work(booked_order(), [QUOTE], FAULTLESS.overridden({"partial_rate": 1}))
    assert final.status is VenueOrderStatus.PARTIALLY_FILLED
    assert 0 < final.cumulative_quantity < 100


def test_a_cancel_keeps_the_fills() -> None:
    partly, reports = work(booked_order(quantity=1500), [QUOTE], FAULTLESS)
    state = cancel(partly).state(reports)
    assert (state.status, state.cumulative_quantity, state.leaves_quantity) == (
        VenueOrderStatus.CANCELED,
        1000,
        0,
    )
    assert sum(execution.quantity for execution in state.executions) == 1000


def test_a_tombstone_is_a_canceled_order_without_shares() -> None:
    state = Tombstone(exchange_id="XNYS", client_order_id="ord_1-1").state()
    assert (state.status, state.quantity, state.cumulative_quantity) == (
        VenueOrderStatus.CANCELED,
        0,
        0,
    )
    assert state.exchange_order_id == booked_order().exchange_order_id


def test_only_different_terms_make_a_different_order() -> None:
    booked = booked_order()
    assert booked.has_terms_of(
        submit_order(correlation_id="other", callback_url="https://elsewhere")
    )
    assert not booked.has_terms_of(submit_order(quantity=101))


@given(st.integers(0, 1000), st.integers(1, 3))
def test_splitting_a_quantity_loses_no_share(quantity: int, parts: int) -> None:
    fills = split_quantity(quantity, parts)
    assert sum(fills) == quantity
    assert len(fills) == min(quantity, parts)
    assert all(fill > 0 for fill in fills)


@pytest.mark.parametrize(
    ("changes", "listing", "code"),
    [
        ({}, None, "UNKNOWN_SYMBOL"),
        ({"limit_price": Decimal("230.005")}, APPLE, "BAD_PRICE"),
        ({"limit_price": Decimal("1E+20")}, APPLE, "BAD_PRICE"),
        ({"stop_price": Decimal("230.005")}, APPLE, "BAD_PRICE"),
        (
            {"stop_price": Decimal("229.00"), "time_in_force": TimeInForce.IOC},
            APPLE,
            "BAD_TIME_IN_FORCE",
        ),
        ({"quantity": 1_000_001}, APPLE, "BAD_QUANTITY"),
        ({"quantity": 150}, APPLE.model_copy(update={"lot_size": 100}), "BAD_QUANTITY"),
    ],
)
def test_an_order_that_the_exchange_cannot_accept_is_refused(
    changes: dict[str, Any], listing: Listing | None, code: str
) -> None:
    with pytest.raises(Problem) as refused:
        validate(submit_order(**changes), listing)
    assert (refused.value.status, refused.value.code) == (422, code)


@pytest.mark.parametrize(
    ("hours", "moment", "is_open"),
    [
        ("regular", "2026-11-23T10:00-05:00", True),
        ("regular", "2026-11-23T16:01-05:00", False),
        ("regular", "2026-11-27T13:01-05:00", False),
        ("regular", "2026-11-28T12:00-05:00", False),
        ("continuous", "2026-11-28T03:00-05:00", True),
    ],
)
def test_an_instrument_executes_in_its_hours(hours: str, moment: str, is_open: bool) -> None:
    listing = Listing(symbol="F", reference_price=Decimal(10), trading_hours=hours)  # type: ignore[arg-type]
    assert listing.is_open(datetime.fromisoformat(moment)) is is_open


@pytest.mark.parametrize("time_in_force", TimeInForce)
def test_a_day_order_ends_with_its_session(time_in_force: TimeInForce) -> None:
    booked = booked_order(time_in_force=time_in_force)
    close = close_of(business_date(booked.accepted_at))
    assert expire(booked, close - timedelta(seconds=1)) is None
    outcome = expire(booked, close)
    assert (outcome is not None) is (time_in_force is TimeInForce.DAY)
    if outcome:
        assert outcome.booked.status is VenueOrderStatus.EXPIRED
        assert [report.exec_type for report in outcome.reports] == [ExecType.EXPIRED]
