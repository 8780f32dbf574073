"""Each term of a request counts when its Idempotency-Key comes again: another term is another
request, and is refused.
"""

from typing import Any

from tests.integration.system import System
from tests.integration.trading.orders import new_order, place
from tests.integration.trading.test_orders_replace_api import patch
from trading.adapters.faces.orders import NewOrder, OrderChanges

STOP_LIMIT: dict[str, Any] = {
    "order_type": "stop_limit",
    "price": "245.00",
    "stop_price": "244.00",
    "quantity": 5,
}
OTHER_TERMS: dict[str, dict[str, Any]] = {
    "stock_symbol": {"stock_symbol": "MSFT"},
    "quantity": {"quantity": 6},
    "order_type": {"order_type": "limit", "stop_price": None},
    "side": {"side": "sell"},
    "time_in_force": {"time_in_force": "GTC"},
    "price": {"price": "245.01"},
    "stop_price": {"stop_price": "244.01"},
}
OTHER_CHANGES: dict[str, dict[str, Any]] = {
    "quantity": {"quantity": 4},
    "price": {"price": "245.50"},
    "stop_price": {"stop_price": "243.00"},
}
REUSED = (422, "IDEMPOTENCY_KEY_REUSED")


def test_each_term_of_an_order_counts(system: System) -> None:
    assert {*OTHER_TERMS} == {*NewOrder.model_fields} - {"client_id"}
    first = place(system, **STOP_LIMIT)
    for name, changes in OTHER_TERMS.items():
        status, body, _ = system.call("orders", new_order(**STOP_LIMIT | changes))
        assert (status, body["code"]) == REUSED, name
    assert place(system, **STOP_LIMIT)["order_id"] == first["order_id"]


def test_each_term_of_a_replacement_counts(system: System) -> None:
    assert {*OTHER_CHANGES} == {*OrderChanges.model_fields}
    wanted = {"quantity": 3, "price": "245.10", "stop_price": "244.10"}
    old, other = (place(system, key, **STOP_LIMIT)["order_id"] for key in ("old", "other"))
    status, new, _ = patch(system, old, wanted)
    assert status == 202, new
    for name, changes in OTHER_CHANGES.items():
        for body in (wanted | changes, {k: v for k, v in wanted.items() if k != name}):
            status, answer, _ = patch(system, old, body)
            assert (status, answer["code"]) == REUSED, name
    status, answer, _ = patch(system, other, wanted)
    assert (status, answer["code"]) == REUSED
    assert patch(system, old, wanted)[1]["order_id"] == new["order_id"]
