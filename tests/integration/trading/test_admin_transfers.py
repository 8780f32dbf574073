"""Deposits and withdrawals through the admin API: double entries, once for each reference."""

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.api_events import header
from tests.integration.system import System
from tests.integration.trading.admin import ask
from tests.integration.trading.orders import place
from trading.domain.values import Side


def transfer(
    system: System, kind: str, key: str = "admin-1", **body: Any
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    return ask(system, "POST", f"clients/carol/{kind}", {"reference": "ref-1", **body}, key)


def test_cash_is_deposited_once_for_each_reference(system: System) -> None:
    status, first, _ = transfer(system, "deposits", amount="250.50")
    assert (status, first["kind"], first["asset"], first["amount"]) == (
        201,
        "DEPOSIT",
        "USD",
        "250.50",
    )
    status, again, answer = transfer(system, "deposits", "another-key", amount="250.50")
    assert (status, again) == (201, first)
    assert header(answer, "Idempotency-Replayed") == "true"
    assert str(system.books.account("carol").available) == "1250.50"
    assert system.findings() == []


@pytest.mark.parametrize("kind", ["deposits", "withdrawals"])
def test_a_key_names_one_request(system: System, kind: str) -> None:
    before = system.books.account("carol").available
    first = transfer(system, kind, amount=250.5)
    for other in ({"reference": "ref-2", "amount": 250.5}, {"amount": 250.51}):
        status, problem, _ = transfer(system, kind, **other)
        assert (status, problem["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    status, again, answer = transfer(system, kind, amount=250.5)
    assert ((status, again), header(answer, "Idempotency-Replayed")) == (first[:2], "true")
    assert header(first[2], "Idempotency-Replayed") is None
    assert abs(system.books.account("carol").available - before) == Decimal("250.50")


def test_a_late_copy_of_a_refused_withdrawal_is_refused_again(system: System) -> None:
    status, refused, _ = transfer(system, "withdrawals", amount="1500.00")
    assert (status, refused["code"]) == (422, "NOT_WITHDRAWABLE")
    transfer(system, "deposits", "another-key", amount="500.00")
    status, again, answer = transfer(system, "withdrawals", amount="1500.00")
    assert (status, again | {"request_id": ""}) == (422, refused | {"request_id": ""})
    assert again["details"] == {"available": "1000.00", "lacking": "500.00"}
    assert header(answer, "Idempotency-Replayed") == "true"
    assert system.books.account("carol").available == Decimal("1500.00")
    assert transfer(system, "withdrawals", "a-new-key", amount="1500.00")[0] == 201
    assert system.books.account("carol").available == 0


@pytest.mark.parametrize(
    "other", [{"amount": "250.51"}, {"symbol": "AAPL", "quantity": 1, "cost": "250.50"}]
)
def test_a_reference_names_one_deposit(system: System, other: dict[str, Any]) -> None:
    transfer(system, "deposits", amount="250.50")
    status, problem, _ = transfer(system, "deposits", "another-key", **other)
    assert (status, problem["code"], problem["errors"][0]["field"]) == (
        422,
        "REFERENCE_REUSED",
        "reference",
    )
    assert str(system.books.account("carol").available) == "1250.50"


def test_shares_are_deposited_with_their_cost_and_withdrawn_with_their_part(system: System) -> None:
    shares: dict[str, Any] = {"symbol": "AAPL", "quantity": 4}
    assert transfer(system, "deposits", **shares, cost="800.00")[0] == 201
    assert (
        transfer(system, "deposits", "key-2", **shares, cost="801.00")[1]["code"]
        == "REFERENCE_REUSED"
    )
    status, body, _ = transfer(system, "withdrawals", symbol="AAPL", quantity=1)
    assert (status, body["kind"], body["asset"], body["amount"], body["cost"]) == (
        *(201, "WITHDRAWAL"),
        *("AAPL", "1.00", "200.00"),
    )
    position = system.books.position("carol", "AAPL")
    assert (position.available, str(position.cost_basis)) == (3, "600.00")
    assert system.findings() == []


def test_shares_of_an_unlisted_symbol_cannot_be_deposited(system: System) -> None:
    status, problem, _ = transfer(system, "deposits", symbol="NONE", quantity=1, cost="1.00")
    assert (status, problem["code"], problem["errors"][0]["field"]) == (
        422,
        "UNKNOWN_SYMBOL",
        "symbol",
    )


def test_held_cash_and_shares_cannot_be_withdrawn(system: System) -> None:
    place(system, client_id="carol", quantity=4)
    available = system.books.account("carol").available
    status, problem, _ = transfer(system, "withdrawals", amount="1000.00")
    assert (status, problem["code"], problem["errors"][0]["field"]) == (
        422,
        "NOT_WITHDRAWABLE",
        "amount",
    )
    assert problem["details"] == {"available": str(available), "lacking": str(1000 - available)}
    assert transfer(system, "withdrawals", "key-2", amount=str(available))[0] == 201
    assert transfer(system, "withdrawals", "key-2", amount=str(available))[0] == 201
    assert system.books.account("carol").available == 0
    assert system.findings() == []


def test_unsettled_proceeds_and_purchases_cannot_be_withdrawn(system: System) -> None:
    transfer(system, "deposits", symbol="AAPL", quantity=4, cost="800.00")
    order_id = place(system, client_id="carol", side=Side.SELL, quantity=3, price="200.00")[
        "order_id"
    ]
    bought = place(
        system, "key-2", client_id="carol", stock_symbol="KO", quantity=2, price="70.00"
    )["order_id"]
    system.run_until(lambda: {system.status(order_id), system.status(bought)} == {"CLEARED"})
    account = system.books.account("carol")
    assert account.unsettled > 0
    status, problem, _ = transfer(system, "withdrawals", amount=str(account.total))
    assert (status, problem["details"]["lacking"]) == (422, str(account.unsettled))
    status, problem, _ = transfer(system, "withdrawals", "key-2", symbol="KO", quantity=1)
    assert (status, problem["details"]) == (422, {"available": "0", "lacking": "1"})
    assert transfer(system, "withdrawals", "key-3", symbol="AAPL", quantity=1)[0] == 201
    assert system.findings() == []
