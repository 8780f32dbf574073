"""The books of the local system, read whole: for the final report and for the reconciliation."""

from collections.abc import Iterator
from typing import Any

from local import seed
from local.aws_client import aws_client
from local.place import Place
from trading.adapters.transactions import from_item
from trading.domain.accounts import Account, Position
from trading.domain.clearing import Obligation
from trading.domain.ledger import LEDGER_ENTRY
from trading.domain.orders import Order
from trading.domain.reconciliation import Finding, Snapshot, check


def snapshot(place: Place, *, day_is_over: bool) -> Snapshot:
    """Everything in the tables. Only right while nothing moves."""
    names = seed.table_names(place)
    accounts = list(_items(place, names.accounts))
    return Snapshot(
        accounts=tuple(_load(Account, item) for item in accounts if item["item"] == "CASH"),
        positions=tuple(_load(Position, item) for item in accounts if item["item"].startswith("POSITION#")),
        obligations=tuple(_load(Obligation, item) for item in accounts if item["item"].startswith("OBLIGATION#")),
        orders=tuple(_load(Order, item) for item in _items(place, names.orders) if item["item"] == "ORDER"),
        entries=tuple(LEDGER_ENTRY.validate_python(item) for item in _items(place, names.ledger)),
        expect_final=day_is_over,
    )


def findings(books: Snapshot) -> list[Finding]:
    """Every violation of an invariant."""
    return check(books)


def _items(place: Place, table: str) -> Iterator[dict[str, Any]]:
    for page in aws_client(place, "dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from map(from_item, page["Items"])


def _load(model: Any, item: dict[str, Any]) -> Any:
    return model.model_validate({name: value for name, value in item.items() if name in model.model_fields})
