"""What the admin API refuses: malformed requests, unknown subjects, missing permissions."""

from typing import Any

import pytest

from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import DAVE, LIMITS, OPERATOR, ask
from tests.integration.trading.books import items
from trading.domain.accounts.cash import Account


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "clients", DAVE | {"client_id": "d d"}, "client_id"),
        ("POST", "clients", DAVE | {"margin_percent": "0"}, "margin_percent"),
        ("POST", "clients", DAVE | {"credit_limit": "-1.00"}, "credit_limit"),
        ("POST", "clients", DAVE | {"daily_trading_limit": "1.001"}, "daily_trading_limit"),
        ("POST", "clients", DAVE | {"reason": " "}, "reason"),
        ("POST", "clients", DAVE | {"name": "\u200b"}, "name"),
        ("POST", "clients", DAVE | {"name": "Da\u202eve"}, "name"),
        ("POST", "clients", DAVE | {"reason": "\x00"}, "reason"),
        ("POST", "clients", DAVE | {"fingerprint": "x"}, "fingerprint"),
        ("PUT", "clients/alice/limits", LIMITS, "version"),
        ("PUT", "clients/alice/limits", {**LIMITS, "version": "1"}, "version"),
        ("PUT", "clients/alice/signing", {}, "required"),
        ("PUT", "clients/alice/signing", {"required": "true"}, "required"),
        (
            "POST",
            "clients/alice/secret-rotation",
            {"api_key": "k", "grace_hours": 169},
            "grace_hours",
        ),
        (
            "POST",
            "clients/alice/secret-rotation",
            {"api_key": "k", "grace_hours": 0, "newest_was_lost": True},
            "body",
        ),
        ("POST", "clients/alice/deposits", {"reference": "r"}, "body"),
        ("POST", "clients/alice/deposits", {"reference": "r", "amount": "0"}, "amount"),
        (
            "POST",
            "clients/alice/deposits",
            {"reference": "r", "symbol": "AAPL", "quantity": 1},
            "body",
        ),
        ("POST", "clients/alice/withdrawals", {"reference": "r", "symbol": "AAPL"}, "body"),
        ("POST", "clients/alice/withdrawals", {"reference": "", "amount": "1.00"}, "reference"),
        ("PUT", "instruments/AAPL/halt", {"reason": ""}, "reason"),
    ],
)
def test_a_malformed_request_is_refused_with_its_field(
    system: System, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    status, problem, _ = ask(system, method, path, body)
    assert (status, problem["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert list(items(system.dynamodb, f"{PREFIX}audit")) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "clients/nobody", {}),
        ("POST", "clients/nobody/suspension", {}),
        ("POST", "clients/nobody/activation", {}),
        ("PUT", "clients/nobody/limits", {"version": 1, **LIMITS}),
        ("POST", "clients/nobody/secret-rotation", {"api_key": "k"}),
        ("PUT", "clients/nobody/signing", {"required": True}),
        ("POST", "clients/nobody/deposits", {"reference": "r", "amount": "1.00"}),
        ("POST", "clients/nobody/withdrawals", {"reference": "r", "amount": "1.00"}),
        (
            "POST",
            "advances/trd_none/closure",
            {"repaid_cash": "0.00", "repaid_shares": 0, "reference": "r"},
        ),
        ("PUT", "instruments/NONE/halt", {}),
        ("PUT", "instruments/NONE/resume", {}),
    ],
)
def test_an_unknown_client_advance_or_instrument_is_not_found(
    system: System, method: str, path: str, body: dict[str, Any]
) -> None:
    status, problem, _ = ask(system, method, path, body)
    assert (status, problem["code"]) == (404, "NOT_FOUND")
    assert problem["errors"][0]["field"] in ("client_id", "api_key", "trade_id", "symbol")
    assert system.books.account("nobody") == Account(client_id="nobody")


@pytest.mark.parametrize(
    ("method", "path", "held"),
    [
        ("GET", "clients/alice", "clients:write"),
        ("POST", "clients/alice/suspension", "clients:read"),
        ("PUT", "instruments/AAPL/halt", "clients:read orders:write"),
    ],
)
def test_each_route_needs_its_permission(system: System, method: str, path: str, held: str) -> None:
    status, problem, _ = ask(system, method, path, authorizer=OPERATOR | {"permissions": held})
    assert (status, problem["code"]) == (403, "FORBIDDEN")
