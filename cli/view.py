"""Draws answers of the API as tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from workstation.screen import table

STYLES = {"REJECTED": "red", "CANCELED": "yellow", "EXPIRED": "yellow", "SETTLED": "green"}


def record(title: str, answer: Mapping[str, Any], leave_out: Iterable[str] = ()) -> Table:
    """Draw one item, a line for each value. Nulls and lists are left out."""
    rows = [
        (name.replace("_", " "), cell(value))
        for name, value in answer.items()
        if name not in leave_out and value is not None and not isinstance(value, list | dict)
    ]
    return table(title, ("", ""), rows)


def rows(title: str, columns: Sequence[str], items: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Draw many items, a line for each. A column that begins with `>` is aligned right."""
    names = [column.lstrip(">") for column in columns]
    lines = [[cell(item.get(name)) for name in names] for item in items]
    if not lines:
        return f"{title}: none."
    return table(title, [column.replace("_", " ") for column in columns], lines)


def cell(value: Any) -> str | Text:
    """Format a value for people."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return Text(value, STYLES[value]) if value in STYLES else moment(str(value))


def moment(text: str) -> str:
    """Shorten a time to the second. Return any other text as it is."""
    if len(text) == 27 and text[10] == "T" and text.endswith("Z"):
        return f"{text[:10]} {text[11:19]}Z"
    return text


def terms(order: Mapping[str, Any]) -> str:
    """Format the terms of an order: `buy 10 KO limit 61.20 DAY`."""
    prices = [f"stop {order['stop_price']}"] if order.get("stop_price") else []
    if order.get("price"):
        prices.append(f"limit {order['price']}")
    parts = (
        order["side"],
        order["quantity"],
        order["stock_symbol"],
        *(prices or ["market"]),
        order["time_in_force"],
    )
    return " ".join(map(str, parts))


def orders(title: str, items: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Draw orders, one a line."""
    columns = ("order_id", "accepted_at", "terms", ">filled", ">average_price", "status")
    return rows(title, columns, [_line(order) for order in items])


def _line(order: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "order_id": order["order_id"],
        "accepted_at": order["accepted_at"],
        "terms": terms(order),
        "filled": f"{order['filled_quantity']}/{order['quantity']}",
        "average_price": order["average_price"],
        "status": status(order),
    }


def status(order: Mapping[str, Any]) -> str:
    """Format the status of an order and the reason."""
    words = str(order["current_status"])
    if order.get("busted_quantity"):
        words += f", {order['busted_quantity']} busted"
    if order.get("cancel_requested"):
        words += ", cancel requested"
    if order.get("reason"):
        words += f" ({order['reason']['code']})"
    return words


def order(shown: Mapping[str, Any]) -> list[RenderableType]:
    """Draw an order with its history, executions, clearing and settlement."""
    told = (
        "order_id",
        "stock_symbol",
        "side",
        "order_type",
        "time_in_force",
        "quantity",
        "price",
        "stop_price",
    )
    parts: list[RenderableType] = [
        record(f"Order {shown['order_id']}", {"terms": terms(shown)} | dict(shown), told)
    ]
    if shown.get("reason"):
        parts.append(f"{shown['reason']['code']}: {shown['reason']['message']}")
    parts.append(rows("History", ("time", "status", "reason"), shown["status_history"]))
    details = (
        (
            "Executions",
            "execution_details",
            (
                "timestamp",
                "exchange_id",
                ">executed_quantity",
                ">executed_price",
                ">execution_fees",
                "status",
                "trade_id",
            ),
        ),
        (
            "Clearing",
            "clearing_details",
            ("trade_id", "clearing_status", ">settlement_amount", ">margin_required"),
        ),
        (
            "Settlement",
            "settlement_details",
            ("trade_id", "settlement_status", "settlement_date", ">final_amount"),
        ),
    )
    parts += [rows(title, columns, shown[name]) for title, name, columns in details if shown[name]]
    return parts


HOLDING = (
    "symbol",
    ">quantity",
    ">available",
    ">held_for_sells",
    ">unsettled",
    ">average_purchase_price",
    ">last_price",
    ">market_value",
    ">unrealised_profit",
    ">realised_profit",
)


def holdings(items: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Draw positions, one a line."""
    return rows("Positions", HOLDING, items)


def balance(shown: Mapping[str, Any]) -> Table:
    """Draw cash."""
    return record("Cash", shown)
