from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from simulators.behaviour import EXCHANGE_DEFAULTS
from simulators.dice import Dice
from simulators.market import (
    Consumed,
    Listing,
    displayed_quote,
    mid_price,
    minute_of,
    next_minute,
    remaining_quote,
)
from simulators.reference import EXCHANGES, INSTRUMENTS, market_items
from tests.unit.simulators.builders import APPLE, DICE, NOW, QUOTE

minutes = st.integers(min_value=0, max_value=50_000_000)
prices = st.integers(min_value=2, max_value=100_000_000).map(lambda cents: Decimal(cents) / 100)


def test_the_same_seed_gives_the_same_quotes_and_another_seed_does_not() -> None:
    def day(seed: str) -> list[Decimal]:
        return [mid_price(Dice(seed), APPLE, minute) for minute in range(1440)]

    assert day("a") == day("a")
    assert day("a") != day("b")


@given(minutes, prices)
def test_the_midpoint_stays_near_the_reference_price_and_moves_slowly(
    minute: int, price: Decimal
) -> None:
    listing = Listing(symbol="X", reference_price=price)
    mid = mid_price(DICE, listing, minute)
    assert abs(mid - price) <= price * Decimal("0.005")
    assert abs(mid_price(DICE, listing, minute + 1) - mid) <= price * Decimal("0.001")


@given(minutes, prices, st.sampled_from(["0.01", "0.05", "1"]))
def test_quotes_are_on_tick_and_no_exchange_crosses_another(
    minute: int, price: Decimal, tick: str
) -> None:
    listing = Listing(
        symbol="X", reference_price=max(price, Decimal(tick)), tick_size=Decimal(tick)
    )
    quotes = [
        displayed_quote(DICE, listing, name, each, minute)
        for name, each in EXCHANGE_DEFAULTS.items()
    ]
    assert all(
        quote.bid > 0 and quote.bid % Decimal(tick) == 0 == quote.ask % Decimal(tick)
        for quote in quotes
    )
    middle = mid_price(DICE, listing, minute)
    assert all(quote.bid < middle < quote.ask or quote.bid == Decimal(tick) for quote in quotes)
    assert max(quote.bid for quote in quotes) < min(quote.ask for quote in quotes)


def test_liquidity_is_replenished_each_minute_and_thin_symbols_show_less() -> None:
    thin = APPLE.model_copy(update={"liquidity": Decimal("0.05")})
    behaviour = EXCHANGE_DEFAULTS["XNYS"]
    sizes = {
        displayed_quote(DICE, APPLE, "XNYS", behaviour, minute).ask_size for minute in range(20)
    }
    assert len(sizes) > 1
    assert max(
        displayed_quote(DICE, thin, "XNYS", behaviour, minute).ask_size for minute in range(20)
    ) < min(sizes)


def test_executed_liquidity_is_not_displayed_again() -> None:
    left = remaining_quote(QUOTE, Consumed(bought=400, sold=1100))
    assert (left.ask_size, left.bid_size) == (600, 0)


def test_the_next_minute_is_after_now_and_in_another_bucket() -> None:
    assert NOW < next_minute(NOW) <= NOW + timedelta(minutes=1)
    assert minute_of(next_minute(NOW)) == minute_of(NOW) + 1


def test_every_exchange_has_a_behavior_and_every_instrument_a_listing() -> None:
    assert set(EXCHANGE_DEFAULTS) == {exchange.exchange_id for exchange in EXCHANGES}
    listings = [
        Listing.model_validate(
            {"symbol": item["sk"], **{k: v for k, v in item.items() if k not in ("pk", "sk")}}
        )
        for item in market_items()
    ]
    assert {listing.symbol for listing in listings} == {
        instrument.symbol for instrument in INSTRUMENTS
    }
    assert len(listings) == 21
