"""A client enrols, trades with a step-up, loses the phone and recovers, all by the command line."""

from datetime import timedelta
from typing import Any

import pyotp
import pytest

from tests.integration.cli.conftest import Terminal


class Phone:
    """An authenticator. Each of its codes is a new one."""

    def __init__(self, terminal: Terminal, enrolled: dict[str, Any]) -> None:
        self._terminal = terminal
        self._totp = pyotp.parse_uri(enrolled["uri"])

    def code(self) -> str:
        system = self._terminal.gateway.system
        system.venues.now += timedelta(seconds=30)
        assert isinstance(self._totp, pyotp.TOTP)
        return self._totp.at(system.now())


def enrolled(
    terminal: Terminal, *arguments: str, profile: tuple[str, ...] = ()
) -> tuple[Phone, dict[str, Any]]:
    answer = terminal.ask(*profile, "second-factor", "enrol", *arguments)
    phone = Phone(terminal, answer)
    confirmed = terminal.ask(*profile, "second-factor", "confirm", phone.code())
    assert confirmed["status"] == "ACTIVE"
    return phone, answer


def test_a_client_enrols_trades_with_a_code_loses_the_phone_and_recovers(
    terminal: Terminal,
) -> None:
    assert terminal.ask("second-factor", "show")["status"] == "NONE"
    phone, answer = enrolled(terminal)
    terminal.ask("second-factor", "policy", "above", "500", "--code", phone.code())
    terminal.ask("place", "buy", "1", "KO")
    refused = terminal.refused("place", "buy", "50", "KO", "--key", "k-1", status=5)
    assert refused["code"] == "NO_CODE"
    placed = terminal.ask(
        "place", "buy", "50", "KO", "--key", "k-1", env={"TRADING_CODE": phone.code()}
    )
    assert placed["status"] == "VALIDATED"
    assert terminal.ask("place", "buy", "40", "KO")["status"] == "VALIDATED", "the token is kept"
    lost = phone
    recovery = answer["recovery_codes"][0]
    phone, _ = enrolled(terminal, "--code", recovery)
    assert terminal.refused("login", "--code", recovery, status=5)["code"] == "INVALID_CODE"
    assert terminal.refused("login", "--code", lost.code(), status=5)["code"] == "INVALID_CODE"
    assert "mfa" in terminal.ask("login", "--code", phone.code())["methods"]


def test_an_enrolment_shows_a_code_to_scan_and_what_to_keep(terminal: Terminal) -> None:
    code, out, err = terminal.run("second-factor", "enrol")
    assert code == 0
    assert "█████" in out
    assert "Keep these recovery codes" in out
    assert "trading second-factor confirm CODE" in err


def test_an_operator_ends_the_second_factor_of_a_client_who_lost_everything(
    terminal: Terminal,
) -> None:
    phone, _ = enrolled(terminal)
    terminal.ask("second-factor", "policy", "all", "--code", phone.code())
    reset = (
        "-p",
        "local-admin",
        "admin",
        "reset-second-factor",
        "alice",
        "--reason",
        "Lost the phone, seen in person",
    )
    assert terminal.ask(*reset) == {"client_id": "alice", "status": "NONE"}
    assert terminal.refused("login", "--code", phone.code(), status=5)["code"] == (
        "SECOND_FACTOR_NOT_ENROLLED"
    )
    shown = terminal.ask("second-factor", "show")
    assert (shown["status"], shown["policy"]["orders"]) == ("NONE", "all")
    terminal.run("logout")
    assert terminal.refused("place", "buy", "1", "KO", status=5)["code"] == "NO_CODE"
    phone, _ = enrolled(terminal)
    placed = terminal.ask("place", "buy", "1", "KO", env={"TRADING_CODE": phone.code()})
    assert placed["status"] == "VALIDATED"


def test_a_client_protects_withdrawals_and_gives_an_operator_a_code(terminal: Terminal) -> None:
    phone, _ = enrolled(terminal)
    policy = ("second-factor", "policy", "none")
    answer = terminal.ask(*policy, "--withdrawals", "--code", phone.code())
    assert answer["policy"] == {"orders": "none", "amount": None, "withdrawals": True}
    assert terminal.ask(*policy, "--code", phone.code())["policy"]["withdrawals"] is True
    _, out, _ = terminal.run("second-factor", "show")
    assert "Each needs a code." in out
    withdraw = ("-p", "local-admin", "admin", "withdraw", "alice", "--amount", "5.00")
    withdraw += ("--reference", "out-1", "--reason", "asked by phone")
    refused = terminal.refused(*withdraw, status=5)
    assert refused["code"] == "SECOND_FACTOR_REQUIRED"
    assert "client's authenticator" in refused["detail"]
    refused = terminal.refused(*withdraw, "--code", "aaaa-aaaa-aaaa-aaaa", status=5)
    assert refused["code"] == "INVALID_CODE"
    assert terminal.ask(*withdraw, "--code", phone.code())["amount"] == "5.00"
    answer = terminal.ask(*policy, "--no-withdrawals", "--code", phone.code())
    assert answer["policy"]["withdrawals"] is False
    _, out, _ = terminal.run("second-factor", "show")
    assert "None needs a code." in out


@pytest.mark.parametrize("arguments", [("some",), ("above",), ("all", "5"), ("above", "zero")])
def test_a_policy_that_does_not_make_sense_is_refused(
    terminal: Terminal, arguments: tuple[str, ...]
) -> None:
    refused = terminal.refused("second-factor", "policy", *arguments, "--code", "123456", status=4)
    assert refused["code"] == "VALIDATION_FAILED"
