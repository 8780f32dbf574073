"""The rows of the tables that belong to the clients of one run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from local import deploy
from local.aws_client import aws_client
from simulators.dispatch import Dispatch
from trading.adapters.dynamodb.entities import load_entry
from trading.adapters.dynamodb.transactions import from_item
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.ledger import LedgerEntry
from trading.domain.orders.order import Order
from trading.wire import ExecType, ExecutionReport
from workstation.local_system import LocalSystem

Model = TypeVar("Model", bound=BaseModel)
Item = dict[str, Any]


@dataclass(frozen=True)
class Books:
    """The books of a run's clients. `reports` are the reports that the exchanges' own books say
    were sent.
    """

    orders: dict[str, Order]
    accounts: tuple[Account, ...]
    positions: tuple[Position, ...]
    entries: tuple[LedgerEntry, ...]
    reports: tuple[ExecutionReport, ...]

    @property
    def reports_of_trades(self) -> tuple[ExecutionReport, ...]:
        """The reports of executions."""
        return tuple(report for report in self.reports if report.exec_type is ExecType.TRADE)


def read(system: LocalSystem, prefix: str) -> Books:
    """Read everything of the clients whose ids begin with the prefix. The result is only right
    while nothing moves.
    """
    mine = "begins_with(client_id, :prefix)"
    accounts = list(scan(system, "Accounts", prefix, mine))
    orders = scan(system, "Orders", prefix, f"#item = :order AND {mine}", order="ORDER")
    reports = scan(system, "ExchangeBooks", prefix, "begins_with(report.account, :prefix)")
    return Books(
        orders={order.order_id: order for order in (_load(Order, item) for item in orders)},
        accounts=tuple(_load(Account, item) for item in accounts if item["item"] == "CASH"),
        positions=tuple(
            _load(Position, item) for item in accounts if item["item"].startswith("POSITION#")
        ),
        entries=tuple(load_entry(item) for item in scan(system, "Ledger", prefix, mine)),
        reports=tuple(_load(Dispatch, item).report for item in reports),
    )


def scan(
    system: LocalSystem,
    table: str,
    prefix: str,
    condition: str,
    projection: str | None = None,
    **values: str,
) -> Iterator[Item]:
    """The items that meet a condition on `:prefix` and the values. The condition may use `#item`
    and `#status`.
    """
    names = {
        f"#{name}": name for name in ("item", "status") if f"#{name}" in f"{condition} {projection}"
    }
    request: Item = {
        "TableName": deploy.outputs(system)[f"{table}Table"],
        "ConsistentRead": True,
        "FilterExpression": condition,
        "ExpressionAttributeValues": {
            f":{name}": {"S": value} for name, value in {"prefix": prefix, **values}.items()
        },
    }
    request |= {"ExpressionAttributeNames": names} if names else {}
    request |= {"ProjectionExpression": projection} if projection else {}
    for page in aws_client(system, "dynamodb").get_paginator("scan").paginate(**request):
        yield from map(from_item, page["Items"])


def _load(model: type[Model], item: Item) -> Model:
    return model.model_validate(
        {name: value for name, value in item.items() if name in model.model_fields}
    )
