"""The key of an exchange is disabled and enabled at the admin API."""

from typing import Any

import pytest

from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import ask
from tests.integration.trading.books import items
from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.adapters.dynamodb.venue_keys import TableVenueKeys
from trading.domain.clients.venue_keys import VenueKey


def exchanges(system: System) -> dict[str, dict[str, Any]]:
    found = items(system.dynamodb, f"{PREFIX}reference")
    return {each["id"]: each for each in found if each["kind"] == "EXCHANGE"}


def change(system: System, what: str, key: str, venue: str = "XNYS") -> tuple[int, dict[str, Any]]:
    status, body, _ = ask(system, "PUT", f"venues/{venue}/key/{what}", {"reason": "leaked"}, key)
    return status, body


def test_a_key_is_disabled_and_comes_back(system: System) -> None:
    before = exchanges(system)
    for what, status in (("disable", "INACTIVE"), ("enable", "ACTIVE")):
        for key in (f"{what}-1", f"{what}-1", f"{what}-2"):
            assert change(system, what, key) == (200, {"venue": "XNYS", "status": status})
            system.venues.pass_time(1)
        shown = ask(system, "GET", "venues/XNYS/key")
        assert shown[:2] == (200, {"venue": "XNYS", "status": status})
        version = before["XNYS"]["version"] + (1 if what == "disable" else 2)
        written = before["XNYS"] | {"key_status": status, "version": version}
        found = exchanges(system)
        assert {**found["XNYS"], "event": None} == {**written, "event": None}
        assert found == before | {"XNYS": found["XNYS"]}
    trail = TableAuditTrail(system.dynamodb, f"{PREFIX}audit", system.now).of("venue/XNYS")
    words = ["disable-key", "disabled"] * 2 + ["enable-key", "enabled"] * 2
    assert [entry.action for entry in trail] == words
    assert {(entry.who, entry.reason) for entry in trail} == {
        ("operations (key-operations)", "leaked")
    }


@pytest.mark.parametrize("venue", ["depository", "alice", "nothing"])
def test_what_is_no_exchange_has_no_such_key(system: System, venue: str) -> None:
    before = exchanges(system)
    for status, problem in (
        change(system, "disable", "disable-1", venue),
        change(system, "enable", "enable-1", venue),
        ask(system, "GET", f"venues/{venue}/key")[:2],
    ):
        assert (status, problem["code"]) == (404, "NOT_FOUND")
        assert [error["field"] for error in problem["errors"]] == ["venue"]
    assert exchanges(system) == before


def test_the_key_of_an_exchange_is_in_its_item(system: System) -> None:
    keys = TableVenueKeys(system.dynamodb, f"{PREFIX}reference")
    assert (keys.key("NONE"), keys.is_active("NONE")) == (None, False)
    assert keys.key("XNAS") == VenueKey(exchange_id="XNAS")
    assert change(system, "disable", "disable-1", "XNAS")[0] == 200
    assert (keys.is_active("XNAS"), keys.is_active("XNYS")) == (False, True)
    routed = system.function("admin").api.books.exchanges()
    assert {each.exchange_id for each in routed} == exchanges(system).keys()
