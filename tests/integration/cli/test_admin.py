"""The commands of an operator."""

from typing import Any

from tests.integration.cli.conftest import Terminal
from tests.integration.trading.advances import advanced_shares

WHY = ("--reason", "it is asked for")


def admin(terminal: Terminal, *arguments: str, status: int = 0) -> Any:
    return terminal.ask("-p", "local-admin", "admin", *arguments, status=status)


def refused(terminal: Terminal, *arguments: str, status: int) -> Any:
    return terminal.refused("-p", "local-admin", "admin", *arguments, status=status)


def create(terminal: Terminal, *more: str) -> Any:
    who = ("dora", "--name", "Dora", "--daily", "10000", "--settlement-account", "csd-dora")
    return admin(terminal, "create", *who, *WHY, *more)


def test_a_new_client_can_be_created_funded_and_trade(terminal: Terminal) -> None:
    issued = create(terminal, "--key", "new-dora")
    again = create(terminal, "--key", "new-dora")
    assert (again["api_key"], again["api_secret"]) == (issued["api_key"], None)
    booked = admin(terminal, "deposit", "dora", "--amount", "5000", "--reference", "wire-1", *WHY)
    assert (
        admin(terminal, "deposit", "dora", "--amount", "5000", "--reference", "wire-1", *WHY)
        == booked
    )
    refused(terminal, "deposit", "dora", "--amount", "1", "--reference", "wire-1", *WHY, status=4)
    env = {
        "TRADING_API_KEY": issued["api_key"],
        "TRADING_API_SECRET": issued["api_secret"],
        "TRADING_CLIENT_ID": "dora",
    }
    placed = terminal.ask("place", "buy", "1", "KO", env=env)
    assert placed["status"] == "VALIDATED"
    assert admin(terminal, "show", "dora")["account"]["held"] != "0.00"
    code, out, _ = terminal.run("-p", "local-admin", "admin", "show", "dora")
    assert code == 0
    assert issued["api_key"] in out


def test_a_key_and_an_operator_are_disabled_and_come_back(terminal: Terminal) -> None:
    issued = create(terminal)
    named = ("dora", "--api-key", issued["api_key"], *WHY)
    assert admin(terminal, "disable-key", *named)["status"] == "INACTIVE"
    assert admin(terminal, "enable-key", *named)["status"] == "ACTIVE"
    assert admin(terminal, "operator", "internal-service")["status"] == "ACTIVE"
    problem = refused(terminal, "disable-operator", "internal-service", *WHY, status=5)
    assert problem["code"] == "OWN_STATUS"
    refused(terminal, "enable-operator", "nobody", *WHY, status=6)
    code, out, _ = terminal.run("-p", "local-admin", "admin", "operator", "internal-service")
    assert (code, "key-internal-service" in out) == (0, True)


def test_the_key_of_a_venue_is_disabled_and_comes_back(terminal: Terminal) -> None:
    assert admin(terminal, "venue-key", "XNYS")["status"] == "ACTIVE"
    assert admin(terminal, "disable-venue-key", "XNYS", *WHY)["status"] == "INACTIVE"
    code, out, _ = terminal.run("-p", "local-admin", "admin", "venue-key", "XNYS")
    assert (code, "INACTIVE" in out) == (0, True)
    assert admin(terminal, "enable-venue-key", "XNYS", *WHY)["status"] == "ACTIVE"
    refused(terminal, "disable-venue-key", "depository", *WHY, status=6)


def test_shares_are_deposited_and_withdrawn(terminal: Terminal) -> None:
    shares = ("--symbol", "ko", "--quantity", "10")
    admin(terminal, "deposit", "bob", *shares, "--cost", "600", "--reference", "r-1", *WHY)
    taken = admin(terminal, "withdraw", "bob", *shares, "--reference", "r-2", *WHY)
    assert (taken["asset"], taken["amount"]) == ("KO", "10.00")
    problem = refused(
        terminal, "withdraw", "bob", "--amount", "50000.01", "--reference", "r-3", *WHY, status=4
    )
    assert (problem["code"], problem["details"]["lacking"]) == ("NOT_WITHDRAWABLE", "0.01")


def test_a_large_transfer_needs_a_second_person(terminal: Terminal) -> None:
    much = ("deposit", "bob", "--amount", "100000.01", "--reference", "r-1", *WHY)
    proposed = admin(terminal, *much, "--key", "much-1")
    assert (proposed["status"], proposed["request"]["amount"]) == ("PENDING", "100000.01")
    code, out, err = terminal.run("-p", "local-admin", "admin", *much, "--key", "much-1")
    note = "Another operator must approve this proposal before anything is changed."
    assert (code, proposed["proposal_id"] in out, note in err) == (0, True, True)
    assert admin(terminal, "proposals")["items"][0]["proposal_id"] == proposed["proposal_id"]
    named = (proposed["proposal_id"], *WHY)
    assert refused(terminal, "approve", *named, status=5)["code"] == "OWN_PROPOSAL"
    second = ("-p", "local-transfers", "admin")
    code, out, _ = terminal.run(*second, "proposals")
    assert (code, proposed["proposal_id"] in out, "internal-service" in out) == (0, True, True)
    code, out, _ = terminal.run(*second, "proposal", proposed["proposal_id"])
    assert (code, "100000.01" in out, "r-1" in out, WHY[1] in out) == (0, True, True, True)
    approved = terminal.ask(*second, "approve", *named)
    assert (approved["status"], approved["decided_by"]) == ("APPROVED", "transfers")
    assert refused(terminal, "reject", *named, status=7)["code"] == "PROPOSAL_DECIDED"
    assert terminal.ask(*second, "proposals")["items"] == []
    again = admin(terminal, "withdraw", "bob", "--amount", "100000.01", "--reference", "r", *WHY)
    assert admin(terminal, "reject", again["proposal_id"], *WHY)["status"] == "REJECTED"


def test_an_advance_is_closed_once_and_in_one_way(terminal: Terminal) -> None:
    advance = advanced_shares(terminal.gateway.system, "carol")
    close = ("close-advance", advance.trade_id, "--repaid-cash", "0", *WHY)
    too_many = ("--repaid-shares", str(advance.shares + 1), "--reference", "case-1")
    assert refused(terminal, *close, *too_many, status=4)["code"] == "EXCEEDS_ADVANCE"
    written_off = ("--repaid-shares", "0", "--reference", "case-1")
    told = admin(terminal, *close, *written_off)
    assert (told["client_id"], told["written_off_shares"]) == ("carol", advance.shares)
    assert admin(terminal, *close, *written_off) == told
    other = ("--repaid-shares", "0", "--reference", "case-2")
    assert refused(terminal, *close, *other, status=7)["code"] == "ADVANCE_CLOSED"
    code, _, err = terminal.run("-p", "local-admin", "admin", *close, "--repaid-shares", "0")
    assert code == 2
    assert "--reference" in err


def test_a_suspended_client_cannot_log_in_until_it_is_activated(terminal: Terminal) -> None:
    terminal.ask("place", "buy", "1", "KO", "--limit", "55")
    assert admin(terminal, "suspend", "alice", *WHY)["orders_to_cancel"] == 1
    assert terminal.refused("login", status=5)["code"] == "CLIENT_INACTIVE"
    assert admin(terminal, "activate", "alice", *WHY)["status"] == "ACTIVE"
    terminal.ask("login")


def test_setting_one_limit_keeps_the_others(terminal: Terminal) -> None:
    before = admin(terminal, "show", "bob")
    after = admin(terminal, "limits", "bob", "--daily", "1000", *WHY)
    assert after["daily_trading_limit"] == "1000.00"
    assert after["credit_limit"] == before["credit_limit"]
    stale = ("limits", "bob", "--daily", "2000", "--version", str(before["version"]), *WHY)
    assert refused(terminal, *stale, status=7)["code"] == "VERSION_CONFLICT"


def test_repeating_limits_needs_the_key_and_version_that_the_command_printed(
    terminal: Terminal,
) -> None:
    code, _, told = terminal.run(
        "-p", "local-admin", "admin", "limits", "bob", "--daily", "1000", *WHY
    )
    assert code == 0
    sent, key = (line for line in told.splitlines() if line)
    first = admin(terminal, "show", "bob")
    admin(terminal, "limits", "bob", "--credit", "0", *WHY)
    again = admin(terminal, "limits", "bob", *sent.split(), "--key", key.split()[-1], *WHY)
    assert again == {name: first[name] for name in again}
    assert admin(terminal, "show", "bob")["credit_limit"] == "0.00"


def test_the_secret_of_a_client_is_rotated(terminal: Terminal) -> None:
    issued = create(terminal)
    rotated = admin(terminal, "rotate-secret", "dora", "--grace-hours", "0", *WHY)
    assert rotated["api_key"] == issued["api_key"]
    env = {"TRADING_API_KEY": issued["api_key"], "TRADING_API_SECRET": issued["api_secret"]}
    assert terminal.refused("login", env=env, status=5)["code"] == "INVALID_CREDENTIALS"
    terminal.ask("login", env=env | {"TRADING_API_SECRET": rotated["api_secret"]})


def test_a_lost_secret_is_replaced(terminal: Terminal) -> None:
    issued = create(terminal)
    admin(terminal, "rotate-secret", "dora", *WHY)
    replaced = admin(terminal, "rotate-secret", "dora", "--newest-was-lost", *WHY)
    env = {"TRADING_API_KEY": issued["api_key"], "TRADING_API_SECRET": issued["api_secret"]}
    terminal.ask("login", env=env)
    terminal.ask("login", env=env | {"TRADING_API_SECRET": replaced["api_secret"]})


def test_an_instrument_is_halted_and_resumed(terminal: Terminal) -> None:
    assert admin(terminal, "halt", "ko", *WHY)["tradable"] is False
    rejected = terminal.ask("place", "buy", "1", "KO", status=3)
    assert rejected["reason"]["code"] == "INSTRUMENT_HALTED"
    assert admin(terminal, "resume", "ko", *WHY)["tradable"] is True


def test_a_command_without_a_reason_does_nothing(terminal: Terminal) -> None:
    seen = len(terminal.gateway.seen)
    code, _, err = terminal.run("-p", "local-admin", "admin", "halt", "KO")
    assert code == 2
    assert "--reason" in err
    assert len(terminal.gateway.seen) == seen


def test_an_operator_can_show_any_clients_order(terminal: Terminal) -> None:
    order_id = terminal.ask("place", "buy", "10", "KO")["order_id"]
    system = terminal.gateway.system
    system.run_until(lambda: system.status(order_id) == "CLEARED")
    shown = admin(terminal, "order", order_id)
    assert shown["order"] == terminal.ask("order", order_id)
    code, out, _ = terminal.run("-p", "local-admin", "admin", "order", order_id)
    assert code == 0
    assert {entry["trade_id"] in out for entry in shown["ledger_entries"]} == {True}
    assert refused(terminal, "order", "ord_1", status=6)["code"] == "NOT_FOUND"
    assert admin(terminal, "orders", "alice") == terminal.ask("orders")
    assert admin(terminal, "portfolio", "alice") == terminal.ask("portfolio")
