"""Replacing an order, as rules: for any fills before and after the request, what the new order is for and what is held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import NOW, D, holding, make_client, make_order, make_received, owned
from tests.unit.domain.strategies import Script, scripts
from tests.unit.domain.test_holds import play
from trading.domain import execution, order_entry, replacement
from trading.domain.accounts import Account, Position
from trading.domain.order_entry import Refusal
from trading.domain.orders import Ending, Order, OrderRequest, OrderStatus, is_legal_path
from trading.domain.replacement import Replacement
from trading.domain.values import Side


def take_over(
    script: Script, old: Order, account: Account, position: Position, total: int
) -> tuple[Order, Order, Account, Position]:
    """The old order ends, if it has not, and the new one takes over or is rejected: as the use case does it."""
    if old.is_open:
        ended = execution.end(old, OrderStatus.CANCELED, "CANCELED", "replaced", account, position, NOW)
        old, account, position = ended.order, ended.account, ended.position or position
    new = make_received("new", **old.model_dump(include=REQUESTED))
    new = new.model_copy(update={"quantity": total, "replaces": old.order_id})
    client = make_client(
        margin_percent=old.margin_percent,
        daily_trading_limit=account.notional_on(old.business_date) + old.protection_price * total,
    )
    try:
        for_rest = replacement.take_over(new, old, NOW)
        validated = order_entry.validated(for_rest, client, script.instrument, old.hold_fee_per_share, NOW)
        acceptance = order_entry.accept(validated, client, account, position if old.side is Side.SELL else None)
    except Refusal as refusal:
        return old, order_entry.rejected(new, refusal, NOW), account, position
    return old, acceptance.order, acceptance.account, acceptance.position or position


REQUESTED = set(OrderRequest.model_fields)


@given(scripts(), st.data())
def test_each_share_is_executed_under_the_old_terms_or_open_to_the_new(script: Script, data: st.DataObject) -> None:
    """The account has what the old order needs and not a cent or share more: so the rest is always enough for as many or fewer."""
    quantity = script.order.quantity
    total = data.draw(st.integers(1, quantity))
    hold = script.order.hold
    account = holding(script.order, available=str(hold.cash), credit=str(hold.credit))
    states = play(script, account, owned(script.order, quantity if script.order.side is Side.SELL else 0))
    old, account, position = states[-1]
    filled = old.filled_quantity
    old, new, account, position = take_over(script, old, account, position, total)
    assert old.filled_quantity == filled
    assert is_legal_path(old.history)
    assert is_legal_path(new.history)
    if total > filled:
        assert (new.status, new.quantity) == (OrderStatus.VALIDATED, total - filled)
    else:
        assert (new.status, new.reason_code) == (OrderStatus.REJECTED, "REPLACE_TOO_LATE")
    held = (account.held, account.credit_held, position.held)
    assert held == (new.hold.cash, new.hold.credit, new.hold.shares)
    assert account.total + old.filled_notional * old.side.sign + old.fees - account.credit_used == hold.cash
    assert account.open_order_ids == ((new.order_id,) if new.is_open else ())
    assert account.notional_today == old.protection_price * filled + new.protection_price * (
        new.quantity if new.is_open else 0
    )


@given(scripts(Side.BUY), st.integers(1, 1000))
def test_what_is_lacking_for_more_rejects_the_new_order_and_holds_nothing(script: Script, more: int) -> None:
    hold = script.order.hold
    account = holding(script.order, available=str(hold.cash), credit=str(hold.credit))
    ample = script.instrument.max_order_quantity
    old, new, account, _ = take_over(script, script.order, account, owned(script.order, 0), ample + more)
    if new.is_open:
        assert account.held <= hold.cash
    else:
        assert new.reason_code in ("INSUFFICIENT_FUNDS", "CREDIT_LIMIT_EXCEEDED", "DAILY_LIMIT_EXCEEDED")
        assert (account.held, account.available) == (0, hold.cash)
    assert old.status is OrderStatus.CANCELED


def test_the_terms_that_are_left_out_stay() -> None:
    old = make_order()
    changed = replacement.request_for(old, Replacement(limit_price=D("99.00")))
    assert changed.model_dump() == make_received(limit_price=D("99.00")).model_dump(include=REQUESTED)


def test_what_was_taken_back_while_it_waited_is_canceled_and_says_why() -> None:
    ending = Ending(status=OrderStatus.CANCELED, reason="canceled by the client")
    gone = replacement.withdrawn(make_received(), ending, NOW)
    assert (gone.status, gone.reason_code, gone.ending, gone.attention_at) == ("CANCELED", "CANCELED", ending, None)
    assert is_legal_path(gone.history)


@pytest.mark.parametrize("minutes", [-1, 0, 1])
def test_nobody_takes_over_after_the_close(minutes: int) -> None:
    new = make_received(quantity=50)
    close = NOW.replace(hour=21, minute=0)
    moment = close.replace(hour=20, minute=59) if minutes < 0 else close.replace(minute=minutes)
    old = make_order().ended(OrderStatus.CANCELED, moment, "CANCELED", "replaced")
    if minutes < 0:
        assert replacement.take_over(new, old, moment).quantity == 50
    else:
        with pytest.raises(Refusal) as refused:
            replacement.take_over(new, old, moment)
        assert refused.value.code == "REPLACE_TOO_LATE"
