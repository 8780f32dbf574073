from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.fakes.clock import Clock
from tests.integration.api.conftest import World
from trading.adapters.http.ended_tokens import TableEndedTokens
from trading.adapters.http.throttle import Throttle


def throttle(world: World, clock: Clock, table: str = "trading-test-control") -> Throttle:
    return Throttle(world.dynamodb, table, clock, limit=3, window_seconds=10)


def test_a_window_allows_its_limit_and_then_says_when_the_next_one_opens(
    world: World, clock: Clock
) -> None:
    door = throttle(world, clock)
    clock.forward(seconds=4)
    granted = [door.take("key-alice", 0) for _ in range(5)]
    assert [(a.granted, a.remaining) for a in granted if a] == [
        (True, 2),
        (True, 1),
        (True, 0),
        (False, 0),
        (False, 0),
    ]
    last = granted[-1]
    assert last
    assert last.retry_after_seconds == 6
    assert last.reset == int(clock().timestamp()) + 6


def test_keys_and_windows_are_counted_separately(world: World, clock: Clock) -> None:
    door = throttle(world, clock)
    for _ in range(3):
        door.take("key-alice", 0)
    other = door.take("key-bob", 0)
    assert other
    assert other.granted
    clock.forward(seconds=10)
    next_window = door.take("key-alice", 0)
    assert next_window
    assert next_window.remaining == 2


def test_an_ended_token_uses_up_nothing_of_its_owner(world: World, clock: Clock) -> None:
    door = throttle(world, clock)
    TableEndedTokens(world.dynamodb, "trading-test-control", clock).end_before("key-alice", 1)
    ended = [door.take("key-alice", 0) for _ in range(5)]
    assert [a.granted for a in ended if a] == [True, True, True, False, False]
    assert [a.generation for a in ended[:3] if a] == [1, 1, 1]
    owners = [door.take("key-alice", 1) for _ in range(4)]
    assert [a.granted for a in owners if a] == [True, True, True, False]


def test_refused_requests_are_not_counted_and_the_record_expires(
    world: World, clock: Clock
) -> None:
    door = throttle(world, clock)
    for _ in range(9):
        door.take("key-alice", 0)
    (item,) = world.items("control")
    assert [value["N"] for name, value in item.items() if name.startswith("w")] == ["3"]
    assert int(item["expires_at"]["N"]) > clock().timestamp() + 3600


def test_concurrent_requests_never_exceed_the_limit(world: World, clock: Clock) -> None:
    door = throttle(world, clock)
    with ThreadPoolExecutor(8) as pool:
        allowances = list(pool.map(door.take, ["key-alice"] * 24, [0] * 24))
    assert sum(bool(a and a.granted) for a in allowances) == 3


def test_without_the_control_table_requests_pass_and_a_metric_counts_it(
    world: World, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert throttle(world, clock, "no-such-table").take("key-alice", 0) is None
    assert '"RateLimitUnavailable"' in capsys.readouterr().out


@pytest.mark.parametrize("failure", [ReadTimeoutError, EndpointConnectionError])
def test_while_the_control_table_cannot_be_reached_requests_pass(
    world: World, clock: Clock, failure: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(**_: object) -> None:
        raise failure(endpoint_url="https://dynamodb")

    world.dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", unreachable)
    assert throttle(world, clock).take("key-alice", 0) is None
    assert '"RateLimitUnavailable"' in capsys.readouterr().out
