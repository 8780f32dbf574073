"""The admin API over the tables: clients' limits, and the versions of their profiles."""

from decimal import Decimal

import pytest

from tests.integration.system import System
from tests.integration.trading.admin import LIMITS, ask, show
from tests.integration.trading.books import NAMES, put
from tests.integration.trading.orders import place


def test_a_new_credit_limit_changes_the_available_credit(system: System) -> None:
    place(system, "order-1", client_id="bob")
    before = system.books.account("bob")
    assert before.credit_held > 0
    status, body, _ = ask(system, "PUT", "clients/bob/limits", {"version": 1, **LIMITS})
    assert (status, body["credit_limit"], body["version"]) == (200, "20000.00", 2)
    account = show(system, "bob")["account"]
    assert (
        sum(Decimal(account[f"credit_{part}"]) for part in ("available", "held", "used")) == 20000
    )
    assert system.books.account("bob").held == before.held
    assert system.findings() == []


def test_a_credit_limit_below_the_held_credit_allows_no_new_credit(system: System) -> None:
    place(system, "order-1", client_id="bob")
    assert (
        ask(system, "PUT", "clients/bob/limits", {"version": 1, **LIMITS, "credit_limit": "0"})[0]
        == 200
    )
    assert system.books.account("bob").credit_available < 0
    system.venues.pass_time(11)
    assert (
        place(system, "order-2", client_id="bob", quantity=1)["reason"]["code"]
        == "CREDIT_LIMIT_EXCEEDED"
    )


def test_two_operators_do_not_overwrite_each_other(system: System) -> None:
    assert ask(system, "PUT", "clients/bob/limits", {"version": 1, **LIMITS})[0] == 200
    status, problem, _ = ask(
        system,
        "PUT",
        "clients/bob/limits",
        {"version": 1, **LIMITS, "credit_limit": "5.00"},
        "other",
    )
    assert (status, problem["code"], problem["details"]) == (
        409,
        "VERSION_CONFLICT",
        {"version": "2"},
    )
    assert (
        ask(system, "PUT", "clients/bob/limits", {"version": 1, **LIMITS}, "again")[1]["version"]
        == 2
    )


@pytest.mark.parametrize("version", [None, 0])
def test_a_profile_without_a_version_counts_as_version_one(
    system: System, version: int | None
) -> None:
    profile = {
        "client_id": "erin",
        "name": "Erin",
        "daily_trading_limit": "1.00",
        "settlement_account": "csd",
    }
    put(system.dynamodb, NAMES.clients, profile | ({} if version is None else {"version": version}))
    assert show(system, "erin")["version"] == 1
    assert ask(system, "POST", "clients/erin/suspension")[1]["version"] == 2
    assert ask(system, "POST", "clients/erin/activation")[1]["version"] == 3


def test_a_replay_of_older_limits_gets_its_answer_and_changes_nothing(system: System) -> None:
    version = show(system, "alice")["version"]
    first = ask(system, "PUT", "clients/alice/limits", {**LIMITS, "version": version})
    other = {**LIMITS, "credit_limit": "1.00", "version": first[1]["version"]}
    assert ask(system, "PUT", "clients/alice/limits", other, "another")[0] == 200
    assert (
        ask(system, "PUT", "clients/alice/limits", {**LIMITS, "version": version})[:2] == first[:2]
    )
    assert ask(system, "PUT", "clients/alice/limits", other)[1]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert show(system, "alice")["credit_limit"] == "1.00"
