"""The admin API over the tables: the rotation of secrets."""

from datetime import timedelta

import pytest

from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import (
    ask,
    create,
    log_in,
    show,
)
from tests.integration.trading.books import items


def test_a_rotated_secret_expires_after_its_grace_time(system: System) -> None:
    _, issued, _ = create(system)
    api_key, first = issued["api_key"], issued["api_secret"]
    rotation = {"api_key": api_key, "grace_hours": 2}
    status, rotated, _ = ask(system, "POST", "clients/dave/secret-rotation", rotation, "rotate-1")
    assert status == 200
    until = (
        (system.now() + timedelta(hours=2))
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z")
    )
    assert rotated["previous_secret_valid_until"] == until
    assert show(system, "dave")["api_keys"][0]["previous_secret_valid_until"] == until
    assert log_in(system, api_key, first, "log-in-1")[0] == 200
    assert log_in(system, api_key, rotated["api_secret"], "log-in-2")[0] == 200
    system.venues.pass_time(2 * 3600)
    assert log_in(system, api_key, first, "log-in-3")[1]["code"] == "INVALID_CREDENTIALS"
    assert log_in(system, api_key, rotated["api_secret"], "log-in-4")[0] == 200


def test_a_rotation_without_grace_invalidates_the_secret_at_once(system: System) -> None:
    _, issued, _ = create(system)
    ask(
        system,
        "POST",
        "clients/dave/secret-rotation",
        {"api_key": issued["api_key"], "grace_hours": 0},
        "rotate-1",
    )
    assert log_in(system, issued["api_key"], issued["api_secret"], "log-in-1")[0] == 401


def test_a_lost_secret_is_replaced_while_the_client_uses_the_old_one(
    system: System,
) -> None:
    _, issued, _ = create(system)
    api_key, in_use = issued["api_key"], issued["api_secret"]
    _, lost, _ = ask(
        system, "POST", "clients/dave/secret-rotation", {"api_key": api_key}, "rotate-1"
    )
    _, again, _ = ask(
        system, "POST", "clients/dave/secret-rotation", {"api_key": api_key}, "rotate-1"
    )
    assert "newest_was_lost" in again["note"]
    repair = {"api_key": api_key, "newest_was_lost": True}
    status, repaired, _ = ask(system, "POST", "clients/dave/secret-rotation", repair, "rotate-2")
    assert (status, repaired["previous_secret_valid_until"]) == (
        200,
        lost["previous_secret_valid_until"],
    )
    assert log_in(system, api_key, in_use, "log-in-1")[0] == 200
    assert log_in(system, api_key, repaired["api_secret"], "log-in-2")[0] == 200
    assert log_in(system, api_key, lost["api_secret"], "log-in-3")[0] == 401
    system.venues.pass_time(24 * 3600)
    assert log_in(system, api_key, in_use, "log-in-4")[0] == 401
    assert log_in(system, api_key, repaired["api_secret"], "log-in-5")[0] == 200


@pytest.mark.parametrize("record_lost", [False, True])
def test_a_repeated_rotation_rotates_once(system: System, record_lost: bool) -> None:
    _, issued, _ = create(system)
    rotation = {"api_key": issued["api_key"]}
    _, rotated, _ = ask(system, "POST", "clients/dave/secret-rotation", rotation, "rotate-1")
    if record_lost:
        for record in items(system.dynamodb, f"{PREFIX}idempotency"):
            system.dynamodb.delete_item(
                TableName=f"{PREFIX}idempotency", Key={"id": {"S": record["id"]}}
            )
    status, again, _ = ask(system, "POST", "clients/dave/secret-rotation", rotation, "rotate-1")
    assert (status, again["api_secret"], again["api_key"]) == (200, None, issued["api_key"])
    assert log_in(system, issued["api_key"], rotated["api_secret"], "log-in-1")[0] == 200
    assert log_in(system, issued["api_key"], issued["api_secret"], "log-in-2")[0] == 200


def test_the_same_rotation_under_another_idempotency_key_issues_another_secret(
    system: System,
) -> None:
    """An operator whose rotated secret leaked rotates again and may give the same reason."""
    _, issued, _ = create(system)
    rotation = {"api_key": issued["api_key"], "grace_hours": 0}
    _, leaked, _ = ask(system, "POST", "clients/dave/secret-rotation", rotation, "rotate-1")
    _, rotated, _ = ask(system, "POST", "clients/dave/secret-rotation", rotation, "rotate-2")
    assert rotated["api_secret"] not in (None, leaked["api_secret"])
    assert log_in(system, issued["api_key"], leaked["api_secret"], "log-in-1")[0] == 401
    assert log_in(system, issued["api_key"], rotated["api_secret"], "log-in-2")[0] == 200


def test_a_key_of_another_client_is_not_found(system: System) -> None:
    _, issued, _ = create(system)
    status, problem, _ = ask(
        system, "POST", "clients/alice/secret-rotation", {"api_key": issued["api_key"]}, "rotate-1"
    )
    assert (status, problem["code"]) == (404, "NOT_FOUND")
