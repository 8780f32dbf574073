"""The examples of docs/explanation/identity.md log in and place an order that the API takes."""

from pathlib import Path

import pytest

from tests.unit.documentation.example_api import (
    LOG_IN,
    TOKEN,
    examples,
    listening,
    run,
    run_failing,
)
from trading.adapters.faces.auth import TokenRequest
from trading.adapters.faces.orders import NewOrder

PAGE = "explanation/identity.md"
KEY, SECRET = "alice-1", "the secret/of+a=client"
ORDERS = "/api/v1/orders"
ENVIRONMENT = {"API_KEY": KEY, "API_SECRET": SECRET, "CLIENT_ID": "alice"}


@pytest.mark.enable_socket
@pytest.mark.parametrize("language", ["python", "bash"])
def test_an_example_places_an_order_and_repeats_it_under_its_key(
    tmp_path: Path, language: str
) -> None:
    (code,) = examples(PAGE, language)
    with listening({"order_id": "ord_1"}) as api:
        api.failures[ORDERS] = 1
        printed = run(language, code, tmp_path, API=api.url, **ENVIRONMENT)
    assert "ord_1" in printed
    log_in, refused, order = api.received
    assert (log_in.path, refused.path, order.path) == (LOG_IN, ORDERS, ORDERS)
    sent = TokenRequest.model_validate_json(log_in.body)
    assert sent == TokenRequest(api_key=KEY, api_secret=SECRET)
    placed = NewOrder.model_validate_json(order.body)
    assert (placed.client_id, placed.quantity, placed.stock_symbol) == ("alice", 10, "KO")
    assert order.header("authorization") == f"Bearer {TOKEN}"
    assert order.body == refused.body
    keys = [each.header("idempotency-key") for each in api.received]
    assert keys[0] != keys[1] == keys[2]


@pytest.mark.enable_socket
@pytest.mark.parametrize("language", ["python", "bash"])
def test_an_example_ends_when_its_log_in_is_refused(tmp_path: Path, language: str) -> None:
    (code,) = examples(PAGE, language)
    with listening({}) as api:
        api.refusal = "CLIENT_INACTIVE"
        printed = run_failing(language, code, tmp_path, API=api.url, **ENVIRONMENT)
    assert [each.path for each in api.received] == [LOG_IN]
    assert language == "bash" or "CLIENT_INACTIVE" in printed
