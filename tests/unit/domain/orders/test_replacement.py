"""The rules of replacement: for any fills before and after the request, what the new order is for
and what is held.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import (
    NOW,
    TODAY,
    D,
    holding,
    make_client,
    make_instrument,
    make_order,
    make_received,
    owned,
)
from tests.unit.domain.orders.test_holds import play
from tests.unit.domain.strategies import Script, prices, quantities, scripts
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.orders import booking, order_entry, replacement
from trading.domain.orders.end_request import EndRequest
from trading.domain.orders.holds import Hold, Reserve
from trading.domain.orders.order import Order
from trading.domain.orders.order_entry import EntryFacts, Refusal
from trading.domain.orders.order_request import OrderRequest
from trading.domain.orders.order_status import OrderStatus, is_legal_path
from trading.domain.orders.reasons import EndReason
from trading.domain.orders.replacement import Replacement
from trading.domain.values import ZERO, Side, TimeInForce

REQUESTED = set(OrderRequest.model_fields)
ROUNDING = D("0.02")
"""How much separately rounded parts may exceed the rounded whole."""


@dataclass
class Replacing:
    """The old order of a script is replaced by one for `total` shares at `price` after some of its
    fills. The methods are the steps of the use cases.
    """

    script: Script
    total: int
    price: Decimal
    asked_after: int

    def new(self) -> Order:
        """The new order as it was received."""
        old = self.script.order
        terms = old.model_dump(include=REQUESTED) | {"quantity": self.total}
        if old.limit_price is not None:
            terms["limit_price"] = self.price
        return make_received("new", **terms).model_copy(update={"replaces": old.order_id})

    def fixed(self, order: Order) -> Order:
        """The new order with its terms, ready for work."""
        client = make_client(margin_percent=self.script.order.margin_percent)
        fee = self.script.order.hold_fee_per_share
        return order_entry.validated(
            order_entry.priced(order, client, self.script.instrument, fee),
            self.script.instrument,
            NOW,
        )

    def beyond(self) -> Hold:
        """How much the new order's hold exceeds the old one's at the request, including the
        possible rounding.
        """
        before = sum(quantity for quantity, _ in self.script.fills[: self.asked_after])
        there = self.script.order.hold_for(self.script.order.quantity - before)
        needed = self.fixed(self.new()).hold_for(max(self.total - before, 0))
        return Hold(
            cash=max(needed.cash - there.cash, ZERO) + ROUNDING,
            credit=max(needed.credit - there.credit, ZERO) + ROUNDING,
            shares=max(needed.shares - there.shares, 0),
        )

    def play(self, spare: Hold) -> tuple[Order, Order, Account, Position] | None:
        """Both orders and their holds at the end. `spare` is what the account has beyond the old
        order's hold. None means that the replacement is refused at once.
        """
        order, hold = self.script.order, self.script.order.hold
        sells = order.side is Side.SELL
        account = holding(
            order, available=str(hold.cash + spare.cash), credit=str(hold.credit + spare.credit)
        )
        start = owned(order, order.quantity + spare.shares if sells else 0)
        first = replace(self.script, fills=self.script.fills[: self.asked_after])
        old, account, position = play(first, account, start)[-1]
        if self.total <= old.filled_quantity or not old.is_open:
            return None
        new = self.new()
        would_be = self.fixed(replacement.reduce_to_remainder(new, old, NOW))
        waiting = replacement.make_pending(new, would_be, old, account, position if sells else None)
        new, account, position = waiting.order, waiting.account, waiting.position or position
        holds = (old.hold, new.hold)
        assert (account.held, account.credit_held) == (
            sum(h.cash for h in holds),
            sum(h.credit for h in holds),
        )
        assert account.open_order_ids == (old.order_id, new.order_id)
        rest = replace(self.script, order=old, fills=self.script.fills[self.asked_after :])
        old, account, position = play(rest, account, position)[-1]
        if old.is_open:
            ended = booking.end(
                old, OrderStatus.CANCELED, EndReason.CANCELED, "replaced", account, position, NOW
            )
            old, account, position = ended.order, ended.account, ended.position or position
        held = position if sells else None
        account, held = replacement.release_reserve(new, account, held)
        try:
            due = order_entry.validated(
                replacement.reduce_to_remainder(new, old, NOW), self.script.instrument, NOW
            )
            accepted = order_entry.admit(due, account, held)
        except Refusal as refusal:
            return old, order_entry.rejected(new, refusal, NOW), account, held or position
        return old, accepted.order, accepted.account, accepted.position or position


@st.composite
def replacings(draw: st.DrawFn, side: Side | None = None) -> Replacing:
    """Any order, replaced by more or fewer shares at another price, after any number of
    its fills.
    """
    script = draw(scripts(side))
    return Replacing(
        script, draw(quantities), draw(prices), draw(st.integers(0, len(script.fills)))
    )


def check(old: Order, new: Order, account: Account, position: Position, total: int) -> None:
    """The properties that hold for every outcome."""
    assert is_legal_path(old.history)
    assert is_legal_path(new.history)
    assert (account.held, account.credit_held, position.held) == (
        new.hold.cash,
        new.hold.credit,
        new.hold.shares,
    )
    assert account.open_order_ids == ((new.order_id,) if new.is_open else ())
    counted = new.open_notional if new.is_open else 0
    assert account.notional_today == old.protection_price * old.filled_quantity + counted
    assert new.reserve is None
    if new.is_open:
        assert new.quantity == total - old.filled_quantity


@given(replacings())
def test_a_replacement_without_more_shares_or_another_price_needs_no_more_funds(
    replacing: Replacing,
) -> None:
    order = replacing.script.order
    same = replace(
        replacing, total=min(replacing.total, order.quantity), price=order.protection_price
    )
    outcome = same.play(Hold())
    if outcome is not None:
        old, new, account, position = outcome
        check(old, new, account, position, same.total)
        assert new.is_open == (same.total > old.filled_quantity)
        assert new.is_open or new.reason_code == "REPLACE_TOO_LATE"
        paid = old.filled_notional * old.side.sign + old.fees - account.credit_used
        assert account.total + paid == order.hold.cash


@given(replacings())
def test_the_greater_of_both_holds_covers_the_new_order_whatever_is_filled(
    replacing: Replacing,
) -> None:
    """Exception: a replacement by more shares at a better price. A fill at the old price costs more
    than was held for it.
    """
    order, outcome = replacing.script.order, replacing.play(replacing.beyond())
    if outcome is not None:
        old, new, account, position = outcome
        check(old, new, account, position, replacing.total)
        cheaper = (order.protection_price - new.protection_price) * order.side.sign > 0
        if order.side is Side.SELL or replacing.total <= order.quantity or not cheaper:
            assert new.is_open == (replacing.total > old.filled_quantity)
            assert new.is_open or new.reason_code == "REPLACE_TOO_LATE"


def test_terms_that_a_replacement_leaves_out_do_not_change() -> None:
    old = make_order()
    changed = replacement.request_for(old, Replacement(limit_price=D("99.00")))
    assert changed.model_dump() == make_received(limit_price=D("99.00")).model_dump(
        include=REQUESTED
    )


def test_a_replacement_canceled_while_it_waited_says_why() -> None:
    ending = EndRequest(status=OrderStatus.CANCELED, reason="canceled by the client")
    waiting = make_received().model_copy(
        update={"reserve": Reserve(cash=D("10.00"), credit=D("3.00"), notional=D("13.00"))}
    )
    account = Account(
        client_id="alice",
        held=D("10.00"),
        credit_held=D("3.00"),
        notional_date=TODAY,
        notional_today=D("20.00"),
    )
    withdrawn = replacement.withdraw(
        waiting, ending, account.add_open_order(order_entry.open_order(waiting)), None, NOW
    )
    assert withdrawn.account == Account(
        client_id="alice",
        available=D("10.00"),
        credit_available=D("3.00"),
        notional_date=TODAY,
        notional_today=D("7.00"),
    )
    gone = withdrawn.order
    assert (gone.reserve, withdrawn.changed) == (None, (gone, withdrawn.account))
    assert (gone.status, gone.reason_code, gone.ending, gone.attention_at) == (
        "CANCELED",
        "CANCELED",
        ending,
        None,
    )
    assert is_legal_path(gone.history)


@pytest.mark.parametrize("minutes", [-1, 0, 1])
def test_no_replacement_takes_over_after_the_close(minutes: int) -> None:
    new = make_received(quantity=50)
    close = NOW.replace(hour=21, minute=0)
    moment = close.replace(hour=20, minute=59) if minutes < 0 else close.replace(minute=minutes)
    old = make_order().ended(OrderStatus.CANCELED, moment, EndReason.CANCELED, "replaced")
    if minutes < 0:
        assert replacement.reduce_to_remainder(new, old, moment).quantity == 50
    else:
        with pytest.raises(Refusal) as refused:
            replacement.reduce_to_remainder(new, old, moment)
        assert refused.value.code == "REPLACE_TOO_LATE"


def test_busted_shares_are_not_left_over_for_the_replacement() -> None:
    ended = make_order().ended(OrderStatus.CANCELED, NOW, EndReason.CANCELED, "replaced")
    busted = ended.model_copy(update={"filled_quantity": 40, "busted_quantity": 20})
    new = make_received(quantity=100)
    assert replacement.reduce_to_remainder(new, busted, NOW).quantity == 40


@pytest.mark.parametrize(
    ("placed", "counted"), [(NOW, "100.00"), (NOW - timedelta(days=3), "10100.00")]
)
def test_only_an_order_of_the_same_day_counts_in_the_daily_limit_already(
    placed: datetime, counted: str
) -> None:
    old = make_order(now=placed, time_in_force=TimeInForce.GTC)
    dearer = make_order(key="new", time_in_force=TimeInForce.GTC, limit_price=D("101.00"))
    account = holding(old)
    pending = replacement.make_pending(make_received("new"), dearer, old, account, None)
    before = account.notional_on(TODAY)
    assert pending.account.notional_on(TODAY) - before == D(counted)


@pytest.mark.parametrize(
    ("quantity", "price", "reserved"),
    [
        (130, "90.00", "2700.00"),  # 100 filled at 100.00 before, then 30 at 90.00
        (100, "90.00", "0.00"),
        (60, "90.00", "0.00"),
        (130, "100.00", "3000.00"),
        (130, "110.00", "4300.00"),  # nothing filled before: 130 at 110.00
        (60, "110.00", "0.00"),
    ],
)
def test_the_daily_limit_counts_the_most_that_both_orders_can_come_to(
    quantity: int, price: str, reserved: str
) -> None:
    old = make_order()
    wanted = make_order(key="new", quantity=quantity, limit_price=D(price))
    pending = replacement.make_pending(make_received("new"), wanted, old, holding(old), None)
    assert pending.order.reserve
    assert pending.order.reserve.notional == D(reserved)


@pytest.mark.parametrize(("left", "is_accepted"), [("2700.00", True), ("2699.99", False)])
def test_fills_under_the_old_price_cannot_lead_beyond_the_daily_limit(
    left: str, is_accepted: bool
) -> None:
    old = make_order()
    account = holding(old, available="100000.00").count_notional(TODAY, old.open_notional)
    facts = EntryFacts(
        client=make_client(daily_trading_limit=account.notional_on(TODAY) + D(left)),
        instrument=make_instrument(),
        highest_fee=D("0.003"),
        account=account,
        position=None,
    )
    wanted = Replacement(quantity=130, limit_price=D("90.00"))
    decide = partial(replacement.decide, old, wanted, "new", "print", "corr", facts, NOW)
    if is_accepted:
        assert decide().pending.account.notional_on(TODAY) == facts.client.daily_trading_limit
    else:
        with pytest.raises(replacement.ReplacementRefusedError, match=r"0\.01 more") as refused:
            decide()
        assert refused.value.code == "DAILY_LIMIT_EXCEEDED"
