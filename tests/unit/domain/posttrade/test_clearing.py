"""Novation, obligations, net positions."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import (
    NOW,
    TOMORROW,
    D,
    holding,
    make_client,
    make_exchange,
    make_execution,
    make_instrument,
    owned,
    routed_order,
)
from trading.domain.ledger import Entry, Fill
from trading.domain.orders.booking import book
from trading.domain.posttrade.clearing import novate
from trading.domain.posttrade.netting import Obligation, net, obligation_of
from trading.domain.values import Side


def make_fill(
    side: Side = Side.BUY, quantity: int = 100, price: str = "100.00", key: str = "key-1"
) -> Fill:
    """A booked trade of AAPL."""
    order = routed_order(side=side, quantity=quantity, limit_price=D(price), key=key)
    position = owned(order, quantity if side is Side.SELL else 0)
    execution = make_execution(order, quantity, price, execution_id=f"exec-{key}")
    return book(
        order, execution, make_instrument(), make_exchange(), holding(order), position, NOW
    ).fill


def balances(*entries: Entry) -> dict[tuple[str, str], Decimal]:
    """The accounts' balances after the entries, without zeros."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in entries:
        for posting in entry.postings:
            sums[posting.account, posting.asset] += posting.amount
    return {key: amount for key, amount in sums.items() if amount}


def test_the_obligation_of_a_buy_is_to_receive_shares_and_to_pay() -> None:
    obligation = obligation_of(make_fill())
    assert (obligation.signed_quantity, obligation.signed_amount) == (100, D("-10000.00"))
    assert (obligation.settlement_date, obligation.amount) == (TOMORROW, D("10000.00"))


def test_the_obligation_of_a_sale_is_to_deliver_shares_and_to_be_paid() -> None:
    obligation = obligation_of(make_fill(Side.SELL))
    assert (obligation.signed_quantity, obligation.signed_amount) == (-100, D("10000.00"))


def test_novation_moves_the_street_side_to_the_ccp() -> None:
    for side, sign in ((Side.BUY, 1), (Side.SELL, -1)):
        fill = make_fill(side)
        obligation = obligation_of(fill)
        novation = novate(
            fill, make_client().margin_percent, net("AAPL", TOMORROW, [obligation]), NOW
        )
        after = balances(fill, novation)
        assert ("exchange:XNYS", "USD") not in after
        assert ("exchange:XNYS", "AAPL") not in after
        assert after["ccp:2026-11-24", "USD"] == sign * 10000 == -obligation.signed_amount
        assert after["ccp:2026-11-24", "AAPL"] == -sign * 100 == -obligation.signed_quantity


def test_the_margin_required_is_the_clients_percentage_rounded_up() -> None:
    fill = make_fill(quantity=1, price="99.99")
    client = make_client(margin_percent=D("33.33"))
    novation = novate(
        fill, client.margin_percent, net("AAPL", TOMORROW, [obligation_of(fill)]), NOW
    )
    assert novation.margin_required == D("33.33"), "33.326667 is rounded up"
    assert novation.settlement_amount == D("99.99")
    assert novation.clearing_id == fill.trade_id.replace("trd_", "clr_")


def test_a_net_position_counts_each_trade_of_its_symbol_and_date_once() -> None:
    bought, sold = (
        obligation_of(make_fill()),
        obligation_of(make_fill(Side.SELL, 30, "110.00", "key-2")),
    )
    other_day = bought.model_copy(
        update={"settlement_date": date(2026, 11, 25), "trade_id": "trd_x"}
    )
    other_symbol = bought.model_copy(update={"symbol": "MSFT", "trade_id": "trd_y"})
    position = net("AAPL", TOMORROW, [bought, sold, sold, other_day, other_symbol])
    assert (position.net_quantity, position.net_amount) == (70, D("-6700.00"))


obligations = st.builds(
    Obligation,
    client_id=st.sampled_from(["alice", "bob"]),
    settlement_date=st.just(TOMORROW),
    symbol=st.just("AAPL"),
    trade_id=st.uuids().map(str),
    order_id=st.just("ord_1"),
    side=st.sampled_from(Side),
    quantity=st.integers(1, 10**6),
    amount=st.integers(0, 10**9).map(lambda c: Decimal(c) / 100),
    currency=st.just("USD"),
)


@given(st.lists(obligations, max_size=8))
def test_netting_keeps_all_obligations(drawn: list[Obligation]) -> None:
    position = net("AAPL", TOMORROW, drawn)
    buys = [o for o in drawn if o.side is Side.BUY]
    sales = [o for o in drawn if o.side is Side.SELL]
    assert position.net_quantity == sum(o.quantity for o in buys) - sum(o.quantity for o in sales)
    assert position.net_amount == sum(o.amount for o in sales) - sum(o.amount for o in buys)
