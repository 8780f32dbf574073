"""The smart order router: how it splits a quantity, what it does next, and how it remembers
execution quality.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import NOW, D, make_order
from trading.domain.orders.child_order import ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.orders.reasons import EndReason
from trading.domain.orders.routing import (
    ExecutionQuality,
    Step,
    Venue,
    allocate,
    allocate_whole,
    avoided_exchanges,
    next_step,
    spent_exchanges,
)
from trading.domain.values import OrderType, Side, TimeInForce

DAY, IOC, FOK = TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK
BUY, SELL = Side.BUY, Side.SELL


def venue(
    name: str, ask: str = "100.00", size: int = 100, fee: str = "0.00", quality: str = "1"
) -> Venue:
    """A venue whose bid is ten cents below its ask."""
    return Venue(
        exchange_id=name,
        bid=D(ask) - D("0.10"),
        bid_size=size,
        ask=D(ask),
        ask_size=size,
        fee_per_share=D(fee),
        quality=D(quality),
    )


def test_the_venue_with_the_best_price_comes_first() -> None:
    venues = [venue("A", "100.02"), venue("B", "100.00"), venue("C", "100.01")]
    assert allocate(BUY, 250, D("101.00"), DAY, venues) == (("B", 100), ("C", 100), ("A", 50))
    assert allocate(SELL, 250, D("99.00"), DAY, venues) == (("A", 100), ("C", 100), ("B", 50))


def test_a_fee_can_outweigh_a_price() -> None:
    venues = [venue("CHEAP", "100.01", fee="0.00"), venue("DEAR", "100.00", fee="0.02")]
    assert allocate(BUY, 50, D("101.00"), DAY, venues) == (("CHEAP", 50),)
    sale = [venue("CHEAP", "100.00", fee="0.00"), venue("DEAR", "100.01", fee="0.02")]
    assert allocate(SELL, 50, D("99.00"), DAY, sale) == (("CHEAP", 50),)


def test_poor_execution_can_outweigh_a_price() -> None:
    venues = [venue("POOR", "100.00", quality="0.5"), venue("GOOD", "100.04")]
    assert allocate(BUY, 50, D("101.00"), DAY, venues) == (("GOOD", 50),)
    venues = [venue("POOR", "100.00", quality="0.5"), venue("GOOD", "100.06")]
    assert allocate(BUY, 50, D("101.00"), DAY, venues) == (("POOR", 50),)


def test_equal_venues_are_ordered_by_depth_and_then_by_name() -> None:
    assert allocate(BUY, 10, D("101.00"), DAY, [venue("B"), venue("A"), venue("C", size=200)]) == (
        ("C", 10),
    )
    assert allocate(BUY, 10, D("101.00"), DAY, [venue("B"), venue("A")]) == (("A", 10),)


def test_the_quantity_beyond_displayed_liquidity_goes_to_the_best_venue() -> None:
    venues = [venue("A", "100.00"), venue("B", "100.01")]
    assert allocate(BUY, 500, D("101.00"), DAY, venues) == (("A", 400), ("B", 100))


def test_liquidity_at_prices_beyond_the_limit_is_not_used() -> None:
    venues = [venue("A", "100.00"), venue("B", "100.01")]
    assert allocate(BUY, 150, D("100.00"), DAY, venues) == (("A", 150),)
    assert allocate(BUY, 150, D("99.00"), DAY, venues) == (("A", 150),), (
        "the rest stays at the best venue"
    )


def test_the_second_round_uses_only_displayed_liquidity() -> None:
    venues = [venue("A", "100.00"), venue("B", "100.01")]
    assert allocate(BUY, 500, D("101.00"), IOC, venues, displayed_only=True) == (
        ("A", 100),
        ("B", 100),
    )
    assert allocate(BUY, 500, D("99.00"), IOC, venues, displayed_only=True) == ()


def test_a_fok_order_goes_to_the_best_venue_that_displays_all_of_it() -> None:
    venues = [
        venue("BEST", "100.00", size=50),
        venue("DEEP", "100.02", size=500),
        venue("DEEPER", "100.03", size=900),
    ]
    assert allocate(BUY, 100, D("101.00"), FOK, venues) == (("DEEP", 100),)


def test_a_fok_order_goes_to_a_venue_that_displays_exactly_its_quantity() -> None:
    venues = [venue("EXACT", "100.00", size=100), venue("DEEP", "100.02", size=500)]
    assert allocate(BUY, 100, D("101.00"), FOK, venues) == (("EXACT", 100),)


def test_a_fok_order_that_no_venue_displays_goes_to_the_deepest_one() -> None:
    venues = [venue("BEST", "100.00", size=50), venue("DEEP", "100.02", size=80)]
    assert allocate(BUY, 100, D("101.00"), FOK, venues) == (("DEEP", 100),)
    assert allocate(BUY, 100, D("99.00"), FOK, venues) == (("DEEP", 100),)


def test_without_venues_or_quantity_there_is_nothing_to_route() -> None:
    assert allocate(BUY, 100, D("101.00"), DAY, []) == ()
    assert allocate(BUY, 0, D("101.00"), DAY, [venue("A")]) == ()


venues_drawn = st.lists(
    st.builds(
        venue,
        st.sampled_from("ABCDEF"),
        st.integers(9900, 10100).map(lambda c: str(Decimal(c) / 100)),
        st.integers(0, 300),
        st.integers(0, 50).map(lambda m: str(Decimal(m) / 1000)),
        st.integers(0, 100).map(lambda p: str(Decimal(p) / 100)),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda v: v.exchange_id,
)


@given(
    st.sampled_from(Side),
    st.integers(1, 2000),
    st.integers(9800, 10200),
    st.sampled_from(TimeInForce),
    venues_drawn,
)
def test_an_allocation_is_complete_and_the_cheapest(
    side: Side, quantity: int, limit: int, time_in_force: TimeInForce, venues: list[Venue]
) -> None:
    price = Decimal(limit) / 100
    parts = dict(allocate(side, quantity, price, time_in_force, venues))
    assert sum(parts.values()) == quantity
    assert all(part > 0 for part in parts.values())
    if time_in_force is FOK:
        assert len(parts) == 1
        return
    within = [v for v in venues if v.size(side) and (v.price(side) - price) * side.sign <= 0]
    shown = {v.exchange_id: v.size(side) for v in within}
    assert all(parts.get(name, 0) <= size for name, size in shown.items()) or quantity > sum(
        shown.values()
    )
    for better in within:
        for worse in within:
            if better.effective_cost(side) < worse.effective_cost(side) and parts.get(
                worse.exchange_id
            ):
                assert parts.get(better.exchange_id, 0) >= better.size(side), (
                    "the better venue is used up to its last share first"
                )
    only_shown = dict(allocate(side, quantity, price, time_in_force, venues, displayed_only=True))
    assert sum(only_shown.values()) == min(quantity, sum(shown.values()))
    assert all(part <= shown[name] for name, part in only_shown.items())


ENDINGS = {"R": ChildStatus.REJECTED, "C": ChildStatus.CANCELED, "X": ChildStatus.EXPIRED}


def with_children(
    outcomes: str, time_in_force: TimeInForce, order_type: OrderType = OrderType.LIMIT
) -> Order:
    """An order with one child of 10 shares for each outcome: Rejected, Canceled, eXpired, Filled,
    Live. `-` leaves 10 shares unrouted.
    """
    parts = tuple((f"E{number}", 10) for number, outcome in enumerate(outcomes) if outcome != "-")
    order = make_order(
        quantity=10 * len(outcomes), time_in_force=time_in_force, order_type=order_type
    )
    order = order.routed(parts, NOW)
    for number, outcome in enumerate(outcomes.replace("-", ""), 1):
        child_id = f"{order.order_id}-{number}"
        if outcome in ENDINGS:
            order = order.child_ended(child_id, ENDINGS[outcome], 0, "why")
        elif outcome == "F":
            order = order.filled(child_id, f"trd_{number}", 10, D("1000.00"), D("0.00"), NOW)
    return order


@pytest.mark.parametrize(
    ("outcomes", "time_in_force", "expected"),
    [
        ("L", DAY, Step.WAIT),
        ("F", DAY, Step.WAIT),
        ("FL", DAY, Step.WAIT),
        ("-", DAY, Step.ROUTE),
        ("L-", DAY, Step.ROUTE),
        ("R", DAY, Step.ROUTE),
        ("RL", DAY, Step.ROUTE),
        ("RRF", DAY, Step.ROUTE),
        ("C", DAY, Step.CANCEL),
        ("CL", DAY, Step.WAIT),
        ("CF", DAY, Step.CANCEL),
        ("CR", DAY, Step.CANCEL),
        ("X", DAY, Step.EXPIRE),
        ("XC", DAY, Step.EXPIRE),
        ("XL", DAY, Step.WAIT),
        ("C", TimeInForce.GTC, Step.CANCEL),
        ("C", IOC, Step.ROUTE),
        ("CF", IOC, Step.ROUTE),
        ("CL", IOC, Step.ROUTE),
        ("X", IOC, Step.EXPIRE),
        ("C", FOK, Step.CANCEL),
        ("R", FOK, Step.ROUTE),
    ],
)
def test_the_router_decides_the_next_step_from_the_children(
    outcomes: str, time_in_force: TimeInForce, expected: Step
) -> None:
    assert next_step(with_children(outcomes, time_in_force)) is expected


def test_a_market_order_for_the_day_is_sent_as_ioc() -> None:
    assert next_step(with_children("C", DAY, OrderType.MARKET)) is Step.ROUTE


def test_a_closed_order_waits_for_nothing() -> None:
    order = with_children("C", DAY).ended(OrderStatus.CANCELED, NOW, EndReason.CANCELED, "r")
    assert next_step(order) is Step.WAIT


def test_an_exchange_that_ended_a_child_early_is_not_used_again() -> None:
    assert spent_exchanges(with_children("RCXFL", DAY)) == {"E0", "E1", "E2"}


def test_only_the_second_round_avoids_the_exchanges_of_live_children() -> None:
    assert avoided_exchanges(with_children("RL", DAY), frozenset({"E9"})) == {"E0", "E9"}
    assert avoided_exchanges(with_children("CL", IOC), frozenset({"E9"})) == {"E0", "E1", "E9"}


def test_execution_quality_falls_with_failures_and_recovers_with_success() -> None:
    good = ExecutionQuality(exchange_id="XNYS")
    bad = good.observed(D(0), NOW)
    assert bad.score == D("0.833333")
    worse = bad.observed(D(0), NOW)
    assert worse.score < bad.score
    assert worse.observed(D(1), NOW).score > worse.score


def test_old_outcomes_lose_half_their_weight_every_hour() -> None:
    quality = ExecutionQuality(exchange_id="XNYS", score=D(0), weight=D(100), as_of=NOW)
    at_once = quality.observed(D(1), NOW)
    later = quality.observed(D(1), NOW + timedelta(hours=1))
    much_later = quality.observed(D(1), NOW + timedelta(hours=24))
    assert (at_once.score, later.score) == (round(D(1) / 101, 6), round(D(1) / 51, 6))
    assert much_later.score == D("0.5"), "a day later the old outcomes hardly count"


def test_a_clock_that_goes_back_does_not_distort_execution_quality() -> None:
    quality = ExecutionQuality(exchange_id="XNYS", score=D(0), weight=D(9), as_of=NOW)
    assert quality.observed(D(1), NOW - timedelta(hours=1)).score == D("0.1")


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 10**6)), max_size=30))
def test_quality_stays_between_worst_and_best(outcomes: list[tuple[int, int]]) -> None:
    quality, now = ExecutionQuality(exchange_id="XNYS"), NOW
    for percent, seconds in outcomes:
        now += timedelta(seconds=seconds)
        quality = quality.observed(Decimal(percent) / 100, now)
        assert 0 <= quality.score <= 1
        assert 1 <= quality.weight <= 1000
    assert ExecutionQuality.model_validate(quality.model_dump()) == quality


def test_an_announced_end_counts_before_its_last_fills_arrive() -> None:
    """The last fill and the cancel of a resting order may arrive in any order. The remainder is not
    sent elsewhere.
    """
    order = make_order(quantity=100).routed((("E0", 100),), NOW)
    day = order.child_ended(f"{order.order_id}-1", ChildStatus.CANCELED, 30, "by the exchange")
    assert (day.unrouted, next_step(day), spent_exchanges(day)) == (70, Step.WAIT, {"E0"})
    rejected = order.child_ended(f"{order.order_id}-1", ChildStatus.REJECTED, 30, "fenced")
    assert next_step(rejected) is Step.ROUTE


def test_a_refused_execution_is_not_bought_again_elsewhere() -> None:
    order = (
        make_order(quantity=100)
        .routed((("E0", 100),), NOW)
        .execution_refused(make_order(quantity=100).order_id + "-1", 30)
    )
    assert (order.unrouted, next_step(order)) == (30, Step.WAIT)
    order = order.filled(f"{order.order_id}-1", "trd_1", 70, D("7000.00"), D("0.21"), NOW)
    assert next_step(order) is Step.CANCEL


def test_a_stop_order_goes_whole_to_the_best_venue() -> None:
    venues = [venue("A", "100.02"), venue("B", "100.00"), venue("C", "100.01")]
    assert allocate_whole(BUY, 5000, venues) == (("B", 5000),)
    assert allocate_whole(BUY, 5000, []) == ()
    assert allocate_whole(BUY, 0, venues) == ()
