"""Order entry: each order is accepted or rejected once, whatever is repeated, raced or lost."""

import pytest

from tests.fakes.builders import D, make_request
from tests.fakes.faults import CrashError
from tests.fakes.world import World
from trading.domain.orders.order_status import OrderStatus
from trading.domain.values import OrderType, Side
from trading.usecases.orders.accept_order import IdempotencyKeyReusedError, UnknownClientError
from trading.usecases.ports import StaleError


def test_an_accepted_order_is_stored_with_its_hold_and_its_workflow_starts(world: World) -> None:
    order = world.order()
    stored = world.current(order)
    assert (stored.status, stored.sequence, stored.correlation_id) == (
        OrderStatus.VALIDATED,
        1,
        "correlation-key-1",
    )
    assert world.books.account("alice").held == stored.hold.cash == D("10000.30")
    assert world.workflow.started == [order.order_id]
    assert world.monitor.times("OrdersAccepted") == 1
    assert world.findings() == []


def test_a_sale_holds_shares(world: World) -> None:
    world.order(side=Side.SELL)
    assert world.books.position("alice", "AAPL").held == 100
    assert world.findings() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "GONE"}, "UNKNOWN_SYMBOL"),
        ({"quantity": 1100}, "INSUFFICIENT_FUNDS"),
        ({"side": Side.SELL, "quantity": 1001}, "INSUFFICIENT_SHARES"),
    ],
)
def test_a_rejected_order_is_stored_and_starts_no_workflow(
    world: World, changes: dict[str, object], code: str
) -> None:
    order = world.order(**changes)
    assert (world.current(order).status, order.reason_code) == (OrderStatus.REJECTED, code)
    assert world.books.account("alice").held == 0
    assert world.workflow.started == []
    assert world.findings(expect_final=True) == []


def test_an_order_of_an_unknown_client_is_refused_and_not_stored(world: World) -> None:
    with pytest.raises(UnknownClientError):
        world.order(client_id="mallory")
    assert world.books.all_orders() == []


def test_a_repeated_request_gets_the_first_order(world: World) -> None:
    first = world.order()
    world.run()
    again, replayed = world.place(
        make_request(), "key-1", "fingerprint-key-1", "another correlation"
    )
    assert replayed
    assert again.order_id == first.order_id
    assert again.status is OrderStatus.ROUTING, "the order is shown as it stands now"
    assert world.workflow.started == [first.order_id]
    assert world.books.account("alice").held == D("10000.30")


def test_a_repeated_rejected_request_stays_rejected(world: World) -> None:
    first = world.order(quantity=1100)
    again, replayed = world.place(make_request(), "key-1", "fingerprint-key-1", "c")
    assert (again, replayed) == (world.current(first), True)


def test_only_stored_orders_are_counted(world: World) -> None:
    world.faults.stale()
    world.order()
    world.order()
    world.order("bad", symbol="GONE")
    world.order("bad", symbol="GONE")
    assert (world.monitor.times("OrdersAccepted"), world.monitor.times("OrdersRejected")) == (1, 1)


def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    world.order()
    with pytest.raises(IdempotencyKeyReusedError):
        world.place(make_request(quantity=101), "key-1", "another fingerprint", "c")
    assert len(world.books.all_orders()) == 1


def test_the_same_key_of_another_client_is_another_order(world: World) -> None:
    world.add_client("bob", cash="20000.00")
    assert world.order().order_id != world.order(client_id="bob").order_id


def test_one_of_two_orders_that_race_for_the_last_dollar_wins(world: World) -> None:
    """Both read the account before either writes. The loser sees the winner's hold when it tries
    again.
    """
    rivals = []
    world.add_client("bob", cash="10000.30")
    original = world.books.account

    def account_while_somebody_else_places(client_id: str) -> object:
        seen = original(client_id)
        if not rivals:
            rivals.append("placing")
            rivals[0] = world.order("rival", client_id="bob")
        return seen

    world.books.account = account_while_somebody_else_places  # type: ignore[method-assign,assignment]
    loser = world.order("slow", client_id="bob")
    assert world.current(rivals[0]).status is OrderStatus.VALIDATED
    assert (loser.status, loser.reason_code) == (OrderStatus.REJECTED, "INSUFFICIENT_FUNDS")
    assert world.findings() == []


def test_an_order_that_loses_too_many_races_is_an_error_and_not_stored(world: World) -> None:
    world.faults.stale(times=8)
    with pytest.raises(StaleError):
        world.order()
    assert world.books.all_orders() == []
    assert world.faults.calls.count("books.commit") == 8


def test_an_order_that_wins_a_race_in_the_end_is_accepted(world: World) -> None:
    world.faults.stale(times=7)
    assert world.order().status is OrderStatus.VALIDATED


@pytest.mark.parametrize("error", [CrashError("throttled"), TimeoutError()])
def test_an_order_is_accepted_even_when_its_workflow_does_not_start(
    world: World, error: Exception
) -> None:
    world.faults.before("workflow.start", error)
    order = world.order()
    assert world.current(order).status is OrderStatus.VALIDATED
    assert world.monitor.times("WorkflowStartsDeferred") == 1
    world.advance(minutes=2)
    assert world.sweep() == 1
    assert world.workflow.started == [order.order_id]


def test_after_a_lost_commit_answer_a_repeated_request_gets_the_same_order(
    world: World,
) -> None:
    world.faults.after("books.commit")
    with pytest.raises(CrashError):
        world.order()
    again, replayed = world.place(make_request(), "key-1", "fingerprint-key-1", "c")
    assert (again.status, replayed) == (OrderStatus.VALIDATED, True)
    assert world.workflow.started == [], "the sweeper starts the workflow"
    world.advance(minutes=2)
    world.sweep()
    assert world.workflow.started == [again.order_id]


def test_a_failed_commit_leaves_nothing(world: World) -> None:
    world.faults.before("books.commit")
    with pytest.raises(CrashError):
        world.order()
    assert world.books.all_orders() == []
    assert world.findings() == []


def test_a_collar_is_measured_from_the_last_price(world: World) -> None:
    """A limit at 125.00 is 25 % from the reference price, but only 4 % from the last price."""
    assert world.order("before", limit_price=D("125.00")).reason_code == "PRICE_OUTSIDE_COLLAR"
    world.prices.observe("AAPL", D("120.00"), world.now, "trd_1")
    assert world.order("after", limit_price=D("125.00")).status is OrderStatus.VALIDATED
    assert world.order("market", order_type=OrderType.MARKET).protection_price == D("124.80")
