"""Wrong secrets are counted and delayed. The right one always passes."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.api_events import header, request
from tests.fakes.clock import Clock
from tests.integration.api.conftest import World
from tests.integration.api.test_auth import HERE, log_in
from trading.adapters.identity import passwords
from trading.adapters.identity.credentials import TableCredentials
from trading.adapters.identity.login import (
    TableClients,
    TableLoginFailures,
    origin,
)
from trading.domain.clients.credentials import CLIENT_AUDIENCE, InvalidCredentialsError
from trading.domain.clients.lockout import (
    FAILURES_REMEMBERED_FOR,
    FIRST_LOCK,
    OF_AN_ADDRESS,
    LoginLockedError,
    lock_after,
)
from trading.domain.errors import DomainError
from trading.usecases.identity.log_in import LogIn

ELSEWHERE = "198.51.100.9"


def test_the_sixth_failure_in_a_row_is_locked_out_for_a_stated_time(world: World) -> None:
    for _ in range(5):
        assert log_in(world, "key-alice", "wrong")[0] == 401
    status, body, answer = log_in(world, "key-alice", "wrong")
    assert (status, body["code"]) == (429, "LOGIN_LOCKED")
    assert log_in(world, "key-alice")[0] == 200
    assert 1 <= int(header(answer, "Retry-After") or "0") <= 5
    for _ in range(5):
        log_in(world, "key-nobody", "wrong")
    assert log_in(world, "key-nobody", "wrong")[0] == 429


def test_the_lockout_doubles_up_to_fifteen_minutes() -> None:
    assert lock_after(4) == timedelta(0)
    assert [lock_after(n).total_seconds() for n in (5, 6, 7, 12, 13, 10_000)] == [
        5,
        10,
        20,
        640,
        900,
        900,
    ]


def login(world: World, clock: Clock, control_table: str = "trading-test-control") -> LogIn:
    return LogIn(
        TableCredentials(world.dynamodb, "trading-test-credentials", CLIENT_AUDIENCE),
        TableClients(world.dynamodb, "trading-test-clients"),
        TableLoginFailures(world.dynamodb, control_table, clock),
        passwords.matches,
        clock,
    )


@pytest.mark.parametrize("address", [HERE, ELSEWHERE])
def test_the_right_secret_passes_whatever_was_tried_before(
    world: World, clock: Clock, address: str
) -> None:
    """Also from the address of a stranger, or of a program that has an old secret."""
    door = login(world, clock)
    for number in range(40):
        with pytest.raises(Exception, match=r"wrong|Too many"):
            door("key-alice" if number % 2 else f"made-up-{number}", "wrong", HERE)
        assert door("key-alice", world.secrets["key-alice"], address).client_id == "alice"


def test_a_lock_ends_and_a_success_clears_the_failures_of_the_key(
    world: World, clock: Clock
) -> None:
    door = login(world, clock)
    for _ in range(5):
        with pytest.raises(InvalidCredentialsError):
            door("key-alice", "wrong", HERE)
    with pytest.raises(LoginLockedError) as locked:
        door("key-alice", "wrong", HERE)
    assert locked.value.retry_after_seconds == FIRST_LOCK.total_seconds() + 1
    clock.forward(seconds=2 * FIRST_LOCK.total_seconds() + 1)
    with pytest.raises(InvalidCredentialsError):
        door("key-alice", "wrong", HERE)
    with pytest.raises(LoginLockedError):
        door("key-alice", "wrong", HERE)
    assert door("key-alice", world.secrets["key-alice"], HERE).client_id == "alice"
    (left,) = world.items("control")
    assert left["name"]["S"] == f"LOGIN-FROM#{HERE}"


def test_attempts_during_a_lock_count_as_well(world: World, clock: Clock) -> None:
    door = login(world, clock)
    for _ in range(9):
        with pytest.raises(Exception, match=r"wrong|Too many"):
            door("key-alice", "wrong", HERE)
    for item in world.items("control"):
        assert item["failures"]["N"] == "9"
        assert (
            int(item["expires_at"]["N"])
            == clock().timestamp() + FAILURES_REMEMBERED_FOR.total_seconds()
        )


def test_an_address_that_tries_many_keys_is_locked(world: World, clock: Clock) -> None:
    door = login(world, clock)
    for number in range(OF_AN_ADDRESS.failures):
        with pytest.raises(InvalidCredentialsError):
            door(f"made-up-{number}", "wrong", ELSEWHERE)
    with pytest.raises(LoginLockedError) as locked:
        door("another", "wrong", ELSEWHERE)
    assert locked.value.retry_after_seconds == FIRST_LOCK.total_seconds() + 1
    assert door("key-alice", world.secrets["key-alice"], HERE).client_id == "alice"


def test_a_right_secret_does_not_free_an_address(world: World, clock: Clock) -> None:
    """Otherwise one key of one's own would pay for any number of attempts."""
    door = login(world, clock)
    for number in range(OF_AN_ADDRESS.failures):
        with pytest.raises(InvalidCredentialsError):
            door(f"made-up-{number}", "wrong", HERE)
        if number < OF_AN_ADDRESS.failures - 1:
            door("key-alice", world.secrets["key-alice"], HERE)
    with pytest.raises(LoginLockedError):
        door("one-more", "wrong", HERE)


def test_the_lock_of_an_address_is_short() -> None:
    locks = [lock_after(n, OF_AN_ADDRESS).total_seconds() for n in (19, 20, 21, 23, 24, 10_000)]
    assert locks == [0, 5, 10, 40, 60, 60]


def test_every_kind_of_failure_does_the_same_work(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the time of an answer tells nothing: two reads, two hashes and two writes. A key or a
    client that is not active had the right secret.
    """
    calls: list[str] = []
    world.dynamodb.meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.append(model.name)
    )
    hashed: list[str] = []
    scrypt = hashlib.scrypt
    door = login(world, clock)
    twice_rotated = passwords.stored("older"), passwords.stored("newer")
    world.add_credential("key-rotated", secrets=twice_rotated)

    def counted(*secret: Any, **parameters: Any) -> bytes:
        hashed.append("scrypt")
        return scrypt(*secret, **parameters)

    monkeypatch.setattr(hashlib, "scrypt", counted)

    def failure(api_key: str, secret: str | None = None) -> tuple[str, list[str], int]:
        calls.clear()
        hashed.clear()
        with pytest.raises(DomainError) as refused:
            door(api_key, secret or "wrong", HERE)
        return refused.value.code, calls[:], len(hashed)

    work = ["BatchGetItem", "GetItem", "UpdateItem", "UpdateItem"]
    for api_key in ("key-alice", "key-rotated", "made-up", "key-revoked", "key-ivan"):
        assert failure(api_key) == ("INVALID_CREDENTIALS", work, 2), api_key
    for _ in range(4):
        failure("made-up")
        failure("key-alice")
    for api_key in ("made-up", "key-alice"):
        assert failure(api_key) == ("LOGIN_LOCKED", work, 2)
    for api_key in ("key-revoked", "key-ivan"):
        code, _, hashes = failure(api_key, world.secrets[api_key])
        assert (code, hashes) == ("CLIENT_INACTIVE", 2)


@pytest.mark.parametrize(
    ("source_ip", "counted_for"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("test-invoke-source-ip", "unknown"),
    ],
)
def test_failures_are_counted_for_an_address_or_a_network(source_ip: str, counted_for: str) -> None:
    assert origin(source_ip) == counted_for


def test_failures_from_the_addresses_of_one_ipv6_network_count_together(world: World) -> None:
    for number in (1, 2):
        body = {"api_key": f"made-up-{number}", "api_secret": "wrong"}
        event = request("POST", "/api/v1/auth/token", body)
        event["requestContext"]["identity"]["sourceIp"] = f"2001:db8:1:2::{number}"
        assert world.call("auth", event)["statusCode"] == 401
    counters = {item["name"]["S"]: item["failures"]["N"] for item in world.items("control")}
    assert counters["LOGIN-FROM#2001:db8:1:2::/64"] == "2"


def test_without_the_control_table_the_right_secret_still_gets_a_token(
    world: World, clock: Clock
) -> None:
    door = login(world, clock, control_table="no-such-table")
    with pytest.raises(Exception, match="wrong"):
        door("key-alice", "wrong", HERE)
    assert door("key-alice", world.secrets["key-alice"], HERE).client_id == "alice"
