"""The early end of an order returns its hold and its part of the daily limit."""

from datetime import date, timedelta

import pytest

from tests.fakes.builders import (
    NOW,
    TODAY,
    D,
    holding,
    make_client,
    make_order,
    owned,
    routed_order,
)
from trading.domain.orders.booking import end
from trading.domain.orders.cancellation import BY_CLIENT, BY_SUSPENSION, is_changed_by
from trading.domain.orders.end_request import REPLACED, EndRequest
from trading.domain.orders.holds import Hold
from trading.domain.orders.order_status import IllegalTransitionError, OrderStatus
from trading.domain.orders.order_times import expiry_of
from trading.domain.orders.reasons import EndReason
from trading.domain.values import Side

ENDS = (OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED)
EXPIRED = expiry_of(make_order())


@pytest.mark.parametrize("status", ENDS)
def test_ending_a_buy_releases_cash_credit_and_daily_notional(
    status: OrderStatus,
) -> None:
    order = make_order(client=make_client(margin_percent=D(40)))
    account = holding(order, credit="9000.00")
    ending = end(order, status, EndReason.CANCELED, "reason", account, None, NOW)
    assert (ending.order.status, ending.order.reason_code, ending.order.hold) == (
        status,
        EndReason.CANCELED,
        Hold(),
    )
    assert ending.order.history[-1].reason == "reason"
    assert (ending.account.available, ending.account.held) == (D("1000000.00"), 0)
    assert (ending.account.credit_available, ending.account.credit_held) == (D("9000.00"), 0)
    assert ending.account.notional_on(TODAY) == 0
    assert ending.account.open_orders == ()
    assert ending.position is None


def test_ending_a_sale_releases_the_remaining_shares() -> None:
    order = routed_order(side=Side.SELL)
    position = owned(order, 300)
    order = order.filled(f"{order.order_id}-1", "trd_1", 30, D("3000.00"), D("0.09"), NOW)
    ending = end(
        order,
        OrderStatus.CANCELED,
        EndReason.CANCELED,
        "r",
        holding(order),
        position.move(held=-30, unsettled=-30),
        NOW,
    )
    assert ending.position is not None
    assert (ending.position.available, ending.position.held) == (270, 0)


def test_only_the_unfilled_part_returns_to_the_daily_limit() -> None:
    order = routed_order()
    account = holding(order)
    order = order.filled(f"{order.order_id}-1", "trd_1", 30, D("3000.00"), D("0.09"), NOW)
    account = account.release(D("3000.09"), D(0))
    ending = end(order, OrderStatus.EXPIRED, EndReason.CANCELED, "r", account, None, NOW)
    assert ending.account.notional_on(TODAY) == D("3000.00")
    assert ending.order.attention_at is not None, "its fill must still be cleared"


def test_the_daily_limit_of_another_business_date_does_not_change() -> None:
    order = make_order()
    tomorrow = date(2026, 11, 24)
    account = holding(order).count_notional(tomorrow, D("500.00"))
    ending = end(
        order, OrderStatus.EXPIRED, EndReason.CANCELED, "r", account, None, NOW + timedelta(days=1)
    )
    assert ending.account.notional_on(tomorrow) == D("500.00")


@pytest.mark.parametrize("status", [s for s in OrderStatus if s not in ENDS])
def test_no_other_status_ends_an_order_early(status: OrderStatus) -> None:
    order = make_order()
    with pytest.raises(ValueError, match="does not end"):
        end(order, status, EndReason.CANCELED, "r", holding(order), None, NOW)


def test_an_order_ends_once() -> None:
    order = make_order()
    ending = end(order, OrderStatus.CANCELED, EndReason.CANCELED, "r", holding(order), None, NOW)
    with pytest.raises(IllegalTransitionError):
        end(ending.order, OrderStatus.CANCELED, EndReason.CANCELED, "r", ending.account, None, NOW)


@pytest.mark.parametrize(
    ("recorded", "asked", "replaces"),
    [
        (None, BY_SUSPENSION, True),
        (None, BY_CLIENT, True),
        (EXPIRED, BY_SUSPENSION, True),
        (EXPIRED, BY_CLIENT, True),
        (REPLACED, BY_SUSPENSION, True),
        (REPLACED, BY_CLIENT, True),
        (BY_SUSPENSION, BY_SUSPENSION, False),
        (BY_SUSPENSION, BY_CLIENT, True),
        (BY_SUSPENSION, REPLACED, False),
        (BY_CLIENT, REPLACED, False),
        (BY_CLIENT, BY_SUSPENSION, False),
        (BY_CLIENT, BY_CLIENT, False),
    ],
)
def test_a_clients_cancel_outranks_an_operators_and_that_any_other_ending(
    recorded: EndRequest | None, asked: EndRequest, replaces: bool
) -> None:
    order = routed_order()
    if recorded is not None:
        order = order.with_ending(recorded, NOW)
    assert is_changed_by(order, asked) is replaces
