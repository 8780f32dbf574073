"""Hypothesis strategies: orders with any terms, and any sequence of fills within them."""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from tests.fakes.builders import (
    make_client,
    make_exchange,
    make_instrument,
    make_order,
    make_request,
)
from trading.domain.orders.order import Order
from trading.domain.reference.instruments import Exchange, Instrument
from trading.domain.values import OrderType, Side

prices = st.integers(1, 1_000_000).map(lambda c: Decimal(c) / 100)
quantities = st.integers(1, 100_000)
fees = st.integers(0, 500).map(lambda t: Decimal(t) / 10_000)
margins = st.integers(1, 10_000).map(lambda b: Decimal(b) / 100)
amounts = st.integers(0, 10**10).map(lambda c: Decimal(c) / 100)


@dataclass(frozen=True)
class Script:
    """An order that is sent whole to one exchange, and its fills as (quantity, price)."""

    order: Order
    instrument: Instrument
    exchange: Exchange
    fills: tuple[tuple[int, Decimal], ...]


@st.composite
def scripts(draw: st.DrawFn, side: Side | None = None) -> Script:
    """Partial fills at any prices within the limit. The exchange charges at most the fee that is
    held.
    """
    price, quantity, fee = draw(prices), draw(quantities), draw(fees)
    instrument = make_instrument(reference_price=price)
    chosen = side or draw(st.sampled_from(Side))
    request = make_request(
        side=chosen,
        quantity=quantity,
        limit_price=price,
        order_type=draw(st.sampled_from(OrderType)),
    )
    order = make_order(
        client=make_client(margin_percent=draw(margins)),
        instrument=instrument,
        hold_fee=str(fee),
        **request.model_dump(),
    )
    cuts = sorted(draw(st.sets(st.integers(1, quantity), max_size=6)))
    parts = [after - before for before, after in zip([0, *cuts], cuts, strict=False)]
    worst = order.protection_price
    better = st.integers(0, 20_000).map(lambda t: Decimal(t) / 1000)
    fills = [(part, max(worst - chosen.sign * draw(better), Decimal("0.0001"))) for part in parts]
    return Script(
        order=order.routed((("XNYS", quantity),), order.accepted_at),
        instrument=instrument,
        exchange=make_exchange("XNYS", str(draw(fees.filter(lambda f: f <= fee)))),
        fills=tuple(fills),
    )
