"""Whether a replacement may be refused: every reason recomputed from the books of that moment."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.simulation.acceptance import check_rejection, without
from tests.simulation.items import Item, executed_of
from tests.simulation.lives import CLOCKS_DIFFER_BY, OPEN
from tests.simulation.oracle import StepOracle
from tests.simulation.violations import ViolationError

PRICES = {"price": "limit_price", "stop_price": "stop_price"}


def check_refusal(order_id: str, body: Item, code: str, steps: StepOracle, began: float) -> None:
    """A replacement is refused only if the new order would be rejected. Raises ViolationError.

    The new order is judged as if the old one had ended. `began` is when the request was sent. A key
    that came with two bodies is judged with the answers to both.
    """
    if code == "IDEMPOTENCY_KEY_REUSED":
        return
    order = steps.orders[order_id]
    moments = [m for m in steps.moments[order["client_id"]] if order_id in m.orders]
    since = began - CLOCKS_DIFFER_BY
    old = next((m for m in reversed(moments) if m.since < since), moments[0]).orders[order_id]
    if old["status"] not in OPEN:
        return
    changed = {kept: Decimal(body[name]) for name, kept in PRICES.items() if name in body}
    total = body.get("quantity", old["quantity"])
    has = {
        "PRICE_NOT_ALLOWED": "price" in body and "limit_price" not in old,
        "STOP_PRICE_NOT_ALLOWED": "stop_price" in body and "stop_price" not in old,
        "NOTHING_TO_CHANGE": total == old["quantity"]
        and all(old.get(kept) == price for kept, price in changed.items()),
        "QUANTITY_FILLED": total <= executed_of(order),
    }
    if not has.get(code, True):
        raise ViolationError(
            "no order is rejected without a reason", order_id, f"{code}: {body} of {old}"
        )
    wanted = steps.wanted({**old, **changed}, total - executed_of(old))
    check_rejection(
        order_id,
        code,
        replace(
            wanted,
            business_date=None,
            fills_first=(old["quantity"] - executed_of(old), old["protection_price"]),
        ),
        without(old, steps.states(wanted.client_id, began)),
        steps.prices.decided(wanted.symbol, began),
    )
