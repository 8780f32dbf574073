import time
from decimal import Decimal
from typing import Any

import pytest

import simulators.settlement_desk
from simulators.adapters.depository_store import DepositoryStore
from simulators.adapters.tables import Table
from tests.integration.simulators.world import Answer, World

INSTRUCTION = {
    "instruction_id": "stl_1",
    "settlement_account": "OMNIBUS-1",
    "counterparty": "CCP",
    "direction": "RECEIVE",
    "symbol": "AAPL",
    "quantity": 100,
    "amount": "22850.00",
    "currency": "USD",
    "settlement_date": "2026-01-06",
}


def settle(world: World, **changes: Any) -> Answer:
    return world.request(
        world.depository_api,
        "POST",
        "/depository/instructions",
        {**INSTRUCTION, **changes},
        key_id="depository",
    )


def confirmations(world: World, **query: str) -> Answer:
    return world.request(
        world.depository_api,
        "GET",
        "/depository/confirmations",
        key_id="depository",
        query=query or None,
    )


def balances(world: World) -> dict[tuple[str, str], Decimal]:
    store = DepositoryStore(Table(world.depository_table.meta.client, "depository-books"))
    return {
        (account, asset): store.balance(account, asset)
        for account in ("OMNIBUS-1", "CCP")
        for asset in ("AAPL", "USD")
    }


RECEIVED = {
    ("OMNIBUS-1", "AAPL"): Decimal(100),
    ("OMNIBUS-1", "USD"): Decimal("-22850.00"),
    ("CCP", "AAPL"): Decimal(-100),
    ("CCP", "USD"): Decimal("22850.00"),
}
NOTHING = dict.fromkeys(RECEIVED, Decimal(0))


def test_a_repeated_instruction_is_settled_once(world: World) -> None:
    first = settle(world)
    assert (first.status, first.body["status"], first.body["amount"]) == (
        200,
        "SETTLED",
        "22850.00",
    )
    world.pass_time(3600)
    assert settle(world).body == first.body
    assert balances(world) == RECEIVED


def test_a_delivery_moves_shares_and_cash_the_other_way(world: World) -> None:
    settle(world)
    settle(world, instruction_id="stl_2", direction="DELIVER")
    assert balances(world) == NOTHING


def test_another_instruction_under_the_same_id_is_refused(world: World) -> None:
    settle(world)
    other = settle(world, quantity=101)
    assert (other.status, other.body["code"]) == (409, "INSTRUCTION_ID_REUSED")
    assert balances(world) == RECEIVED


def test_a_failed_instruction_moves_nothing_and_stays_failed(world: World) -> None:
    world.configure_depository(fail_rate=1)
    failed = settle(world)
    assert (failed.status, failed.body["status"]) == (200, "FAILED")
    assert failed.body["reason"] == "the counterparty lacks securities"
    world.configure_depository()
    assert settle(world).body == failed.body
    assert balances(world) == NOTHING


def test_an_unavailable_depository_books_nothing(world: World) -> None:
    world.configure_depository(unavailable_rate=1)
    assert settle(world).status == 503
    assert balances(world) == NOTHING
    world.configure_depository()
    assert settle(world).body["status"] == "SETTLED"


def test_the_depository_can_lose_an_answer_after_booking(world: World) -> None:
    world.configure_depository(answer_lost_rate=1)
    lost = settle(world)
    assert (lost.status, lost.content_type) == (500, "application/problem+json")
    assert settle(world).body["status"] == "SETTLED"
    assert balances(world) == RECEIVED


def test_the_depository_can_be_slow_to_answer(world: World) -> None:
    world.configure_depository(slow_rate=1, slow_ms=100)
    started = time.monotonic()
    assert settle(world).status == 200
    assert time.monotonic() - started >= 0.1


def test_confirmations_of_a_day_come_in_pages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulators.settlement_desk, "PAGE_SIZE", 2)
    answers = [settle(world, instruction_id=f"stl_{number}").body for number in range(5)]
    settle(world, instruction_id="stl_other_day", settlement_date="2026-01-07")
    listed: list[Any] = []
    query = {"settlement_date": "2026-01-06"}
    while True:
        page = confirmations(world, **query).body
        listed += page["confirmations"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert listed == answers
    assert confirmations(world, settlement_date="2026-01-08").body["confirmations"] == []


def test_the_end_of_a_list_is_where_later_confirmations_begin(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulators.settlement_desk, "PAGE_SIZE", 2)
    day = {"settlement_date": "2026-01-06"}
    for number in (5, 4, 3):
        settle(world, instruction_id=f"stl_{number}")
        world.pass_time(120)
    first = confirmations(world, **day).body
    assert first["end_cursor"] is None, "there is another page"
    last = confirmations(world, **day, cursor=first["next_cursor"]).body
    listed = [*first["confirmations"], *last["confirmations"]]
    assert [each["instruction_id"] for each in listed] == ["stl_5", "stl_4", "stl_3"]
    nothing = confirmations(world, **day, cursor=last["end_cursor"]).body
    assert (nothing["confirmations"], nothing["next_cursor"]) == ([], None)
    later = settle(world, instruction_id="stl_1").body
    for cursor in (last["end_cursor"], nothing["end_cursor"]):
        assert confirmations(world, **day, cursor=cursor).body["confirmations"] == [later]


def test_what_was_confirmed_within_a_minute_is_listed_again(world: World) -> None:
    """It may have been listed after one with a later time."""
    confirmed = settle(world).body
    end = confirmations(world, settlement_date="2026-01-06").body["end_cursor"]
    again = confirmations(world, settlement_date="2026-01-06", cursor=end).body
    assert again["confirmations"] == [confirmed]


def test_only_the_depositorys_key_is_accepted(world: World) -> None:
    answer = world.request(
        world.depository_api, "POST", "/depository/instructions", INSTRUCTION, key_id="XNYS"
    )
    assert answer.status == 401
    assert balances(world) == NOTHING
