"""Closing an advance of the error account through the admin API: in one way, once."""

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.api_events import header
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import OPERATOR, ask, audited
from tests.integration.trading.advances import (
    QUANTITY,
    Advance,
    advanced_cash,
    advanced_shares,
    closed,
    closure,
    findings,
    in_error,
    written_off,
)
from tests.integration.trading.books import items
from tests.integration.trading.test_statement_api import show

UNKNOWN = Advance("trd_" + 32 * "0", Decimal(0), 0)


def test_shares_are_paid_back_and_the_rest_is_written_off(system: System) -> None:
    advance = advanced_shares(system)
    assert in_error(system) == {"AAPL": -QUANTITY}
    deposit = {"symbol": "AAPL", "quantity": 1, "cost": "230.00", "reference": "in"}
    assert ask(system, "POST", "clients/carol/deposits", deposit, "in")[0] == 201
    status, told, answer = closure(system, advance, repaid_shares=1)
    assert status == 201, told
    assert (told["trade_id"], told["client_id"], told["symbol"], told["reference"]) == (
        advance.trade_id,
        *("carol", "AAPL", "case-1"),
    )
    assert (told["repaid_shares"], told["written_off_shares"]) == (1, advance.shares - 1)
    assert header(answer, "Idempotency-Replayed") is None
    assert system.books.position("carol", "AAPL").available == 0
    assert in_error(system).get("AAPL", 0) == advance.shares - QUANTITY
    assert written_off(system) == {"AAPL": 1 - advance.shares}
    assert findings(system) == []
    assert audited(system, f"advance/{advance.trade_id}") == ["close advance", "closed advance"]
    (line,) = show(system, "transactions", "carol", type="repayment")["items"]
    assert (line["quantity"], line["amount"], line["reference"]) == (-1, "0.00", "case-1")


def test_cash_is_paid_back_to_the_cent(system: System) -> None:
    advance = advanced_cash(system)
    assert advance.cash > 0
    owed = in_error(system)["USD"]
    assert owed <= -advance.cash
    deposit = {"amount": str(advance.cash), "reference": "in"}
    assert ask(system, "POST", "clients/carol/deposits", deposit, "in")[0] == 201
    status, problem, _ = closure(system, advance, repaid_cash=str(advance.cash + Decimal("0.01")))
    assert (status, problem["code"], problem["errors"][0]["field"], problem["details"]) == (
        *(422, "EXCEEDS_ADVANCE", "repaid_cash"),
        {"advanced": str(advance.cash)},
    )
    status, told, _ = closure(system, advance, "close-2", repaid_cash=str(advance.cash))
    assert (status, told["repaid_cash"], told["written_off_cash"]) == (
        *(201, str(advance.cash)),
        "0.00",
    )
    assert system.books.account("carol").available == 0
    assert in_error(system).get("USD", 0) == owed + advance.cash
    assert (written_off(system), findings(system)) == ({}, [])


def test_what_the_client_does_not_have_is_not_paid_back(system: System) -> None:
    advance = advanced_shares(system)
    status, problem, _ = closure(system, advance, repaid_shares=advance.shares)
    assert (status, problem["code"], problem["errors"][0]["field"]) == (
        *(422, "NOT_WITHDRAWABLE"),
        "repaid_shares",
    )
    assert problem["details"] == {"available": "0", "lacking": str(advance.shares)}
    assert (closed(system), in_error(system)) == ([], {"AAPL": -QUANTITY})
    assert audited(system, f"advance/{advance.trade_id}") == ["close advance"]


def test_an_advance_is_closed_once_whatever_the_key(system: System) -> None:
    advance = advanced_shares(system)
    first = closure(system, advance)
    assert first[0] == 201, first[1]
    for key in ("close-1", "another-key"):
        status, again, answer = closure(system, advance, key)
        assert ((status, again), header(answer, "Idempotency-Replayed")) == (first[:2], "true")
    status, problem, _ = closure(system, advance, "third-key", reference="case-2")
    assert (status, problem["code"]) == (409, "ADVANCE_CLOSED")
    details = {"repaid_cash": "0.00", "repaid_shares": "0", "reference": "case-1"}
    assert problem["details"] == details
    status, problem, _ = closure(system, advance, reference="case-2")
    assert (status, problem["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len(closed(system)) == 1
    assert written_off(system) == {"AAPL": -advance.shares}
    assert findings(system) == []


def test_only_a_reversal_with_an_advance_is_found(system: System) -> None:
    advance = advanced_shares(system)
    of_the_trade = Advance(advance.trade_id.removesuffix("r"), Decimal(0), 0)
    for number, other in enumerate((UNKNOWN, of_the_trade)):
        assert other.trade_id != advance.trade_id
        status, problem, _ = closure(system, other, f"key-{number}")
        assert (status, problem["code"], problem["errors"][0]["field"]) == (
            *(404, "NOT_FOUND"),
            "trade_id",
        )
    assert closed(system) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"repaid_cash": "-0.01"}, "repaid_cash"),
        ({"repaid_cash": "0.001"}, "repaid_cash"),
        ({"repaid_cash": None}, "repaid_cash"),
        ({"repaid_shares": -1}, "repaid_shares"),
        ({"repaid_shares": "1"}, "repaid_shares"),
        ({"repaid_shares": 1.5}, "repaid_shares"),
        ({"repaid_shares": True}, "repaid_shares"),
        ({"reference": ""}, "reference"),
        ({"reference": "case 1"}, "reference"),
        ({"reason": " "}, "reason"),
        ({"written_off_cash": "0.00"}, "written_off_cash"),
    ],
)
def test_a_malformed_closure_is_refused_with_its_field(
    system: System, changes: dict[str, Any], field: str
) -> None:
    status, problem, _ = closure(system, UNKNOWN, **changes)
    assert (status, problem["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert list(items(system.dynamodb, f"{PREFIX}audit")) == []


@pytest.mark.parametrize("missing", ["repaid_cash", "repaid_shares", "reference"])
def test_no_part_of_a_closure_has_a_default(system: System, missing: str) -> None:
    body = {"repaid_cash": "0.00", "repaid_shares": 0, "reference": "case-1"}
    del body[missing]
    status, problem, _ = ask(system, "POST", f"advances/{UNKNOWN.trade_id}/closure", body)
    assert (status, problem["errors"][0]["field"]) == (422, missing)


@pytest.mark.parametrize("held", ["clients:read", "orders:write settlement:write"])
def test_only_who_transfers_closes_an_advance(system: System, held: str) -> None:
    body = {"repaid_cash": "0.00", "repaid_shares": 0, "reference": "case-1"}
    caller = OPERATOR | {"permissions": held}
    path = f"advances/{UNKNOWN.trade_id}/closure"
    status, problem, _ = ask(system, "POST", path, body, authorizer=caller)
    assert (status, problem["code"]) == (403, "FORBIDDEN")
