"""Whatever call fails, before or after its effect, the day ends the same: nothing is lost and
nothing is done twice.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import D
from tests.fakes.scenario import new_world, play
from tests.fakes.world import World
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.usecases.ports import OutcomeUnknownError, StaleError
from trading.usecases.posttrade import settlement_cycle


@pytest.fixture(autouse=True)
def _few_days_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking back over a hundred empty days would test nothing more."""
    monkeypatch.setattr(settlement_cycle, "LOOK_BACK", timedelta(days=3))


Ends = dict[str, tuple[OrderStatus, int]]
EXPECTED: Ends = {
    "filled in parts": (OrderStatus.SETTLED, 100),
    "margin, immediate, partly": (OrderStatus.SETTLED, 61),
    "sold": (OrderStatus.SETTLED, 50),
    "lacking funds": (OrderStatus.REJECTED, 0),
    "refused by the first exchange": (OrderStatus.SETTLED, 70),
    "resting": (OrderStatus.EXPIRED, 0),
    "sold in part, then expired": (OrderStatus.EXPIRED, 30),
    "killed": (OrderStatus.CANCELED, 0),
    "unknown symbol": (OrderStatus.REJECTED, 0),
}


def ends(orders: dict[str, Order]) -> Ends:
    return {key: (order.status, order.filled_quantity) for key, order in orders.items()}


def balances(world: World) -> list[object]:
    clients = ("alice", "bob", "carol")
    accounts = [world.books.account(client_id) for client_id in clients]
    shares = [world.books.position(client_id, "AAPL").quantity for client_id in clients]
    return [*((account.total, account.credit_used) for account in accounts), *shares]


def check_the_end(world: World, orders: dict[str, Order]) -> None:
    assert world.findings(expect_final=True) == []
    assert world.books.snapshot().obligations == ()
    assert not any(world.mailboxes.queues.values())
    assert all(order.attention_at is None for order in orders.values())


@cache
def calls_of_a_day() -> list[str]:
    """The names of all calls to the ports on a day without faults, in order."""
    world = new_world()
    before = len(world.faults.calls)
    orders = play(world)
    assert ends(orders) == EXPECTED
    check_the_end(world, orders)
    assert world.failures == []
    return ["setup"] * before + world.faults.calls[before:]


def numbers(*ports: str) -> Iterator[int]:
    """The numbers of the day's calls, or of the calls to some ports."""
    for number, call in enumerate(calls_of_a_day(), 1):
        if call != "setup" and (not ports or call.startswith(ports)):
            yield number


def test_a_day_without_faults_ends_as_expected() -> None:
    world = new_world()
    play(world)
    assert balances(world) == [
        (D("100000.00") - D("9998.30"), 0),
        (
            D("9000.00") - D("13097.38") - D("0.12") - D("0.06") - D("0.21") + D("5239.09"),
            D("5239.09"),
        ),
        (D("5001.00") - D("0.15") + D("3000.60") - D("0.09"), 0),
        1000 + 100,
        61 + 70,
        1000 - 50 - 30,
    ]
    assert {call.partition(".")[0] for call in calls_of_a_day()} == {
        "setup",
        "books",
        "workflow",
        "mailboxes",
        "exchanges",
        "health",
        "prices",
        "depository",
        "compared",
        "monitor",
    }


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("part", range(4))
def test_a_crash_at_any_call_does_not_change_the_outcome(part: int, after: bool) -> None:
    undisturbed = new_world()
    play(undisturbed)
    for number in list(numbers())[part::4]:
        world = new_world()
        (world.faults.after if after else world.faults.before)(number)
        orders = play(world)
        assert world.faults.pending == 0
        where = f"{calls_of_a_day()[number - 1]}, call {number}"
        assert ends(orders) == EXPECTED, where
        assert balances(world) == balances(undisturbed), where
        check_the_end(world, orders)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_unknown_outcome_of_any_outside_call_does_not_change_the_day(after: bool) -> None:
    for number in numbers("exchanges", "depository"):
        world = new_world()
        (world.faults.after if after else world.faults.before)(
            number, OutcomeUnknownError("timed out")
        )
        check_the_end(world, play(world))
        assert world.faults.pending == 0


def test_a_lost_race_at_any_commit_does_not_change_the_outcome() -> None:
    for number in numbers("books.commit"):
        world = new_world()
        world.faults.before(number, StaleError())
        orders = play(world)
        assert ends(orders) == EXPECTED
        check_the_end(world, orders)


faults = st.tuples(st.integers(0, 9999), st.booleans(), st.booleans())


@given(st.lists(faults, min_size=2, max_size=4))
def test_several_faults_of_any_kind_do_not_change_the_outcome(
    drawn: list[tuple[int, bool, bool]],
) -> None:
    world = new_world()
    possible = list(numbers())
    for index, after, unknown in drawn:
        number = possible[index % len(possible)]
        outside = calls_of_a_day()[number - 1].startswith(("exchanges", "depository"))
        error = OutcomeUnknownError("timed out") if unknown and outside else None
        (world.faults.after if after else world.faults.before)(number, error)
    check_the_end(world, play(world))
