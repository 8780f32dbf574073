"""The books of the deployed system, read and rewritten where a test cannot wait."""

from datetime import date, datetime

from local import books, deploy, seed
from local.aws_client import aws_client
from tests.system.waiting import wait_for
from trading.adapters.dynamodb.keys import entry_key, order_key
from trading.adapters.dynamodb.prices import last_price_name
from trading.adapters.dynamodb.transactions import from_item, to_item
from trading.domain import identifiers
from trading.domain.ledger import Break
from trading.domain.reconciliation.checks import check
from trading.domain.values import iso
from workstation.local_system import LocalSystem


def last_trade(system: LocalSystem, symbol: str) -> str | None:
    """The trade whose price is the last one of a symbol."""
    key = to_item({"name": last_price_name(symbol)})
    table = aws_client(system, "dynamodb").get_item(
        TableName=deploy.outputs(system)["ControlTable"], Key=key, ConsistentRead=True
    )
    return from_item(table["Item"]).get("trade_id")


def forget_breaks(system: LocalSystem, *entries: Break) -> None:
    """Take breaks out of the books. Every other test of this system would find them."""
    for entry in entries:
        aws_client(system, "dynamodb").delete_item(
            TableName=seed.table_names(system).ledger,
            Key=to_item(entry_key(entry.trade_id, entry.kind)),
        )
    assert check(books.snapshot(system, day_is_over=False)) == []


def break_about(system: LocalSystem, exchange_id: str, execution_id: str) -> Break | None:
    """The break that an execution at an exchange left."""
    trade_id = identifiers.trade_id(exchange_id, execution_id)
    entries = books.snapshot(system, day_is_over=False).entries
    return next((e for e in entries if isinstance(e, Break) and e.trade_id == trade_id), None)


def rewrite_times(
    system: LocalSystem, order_id: str, session: date, at: list[datetime]
) -> list[datetime]:
    """Rewrite an order as if it had been placed and sent at these times, in this session. Returns
    its own times.
    """
    return wait_for(
        lambda: _rewritten(system, order_id, session, at), f"no other writer of {order_id}"
    )


def _rewritten(
    system: LocalSystem, order_id: str, session: date, at: list[datetime]
) -> list[datetime] | None:
    """None if somebody else wrote the order in between."""
    dynamodb, table = aws_client(system, "dynamodb"), seed.table_names(system).orders
    key = to_item(order_key(order_id))
    order = from_item(dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"])
    lines = [line.split(" ", 1) for line in order["history"]]
    times = [iso(time) for time in at] + [time for time, _ in lines[len(at) :]]
    values = {
        ":at": iso(at[0]),
        ":history": [f"{time} {what}" for time, (_, what) in zip(times, lines, strict=True)],
        ":session": session.isoformat(),
        ":version": order["version"],
        ":next": order["version"] + 1,
    }
    what = "accepted_at = :at, history = :history, business_date = :session, version = :next"
    try:
        dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression=f"SET {what}",
            ConditionExpression="version = :version",
            ExpressionAttributeValues=to_item(values),
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return None
    return [datetime.fromisoformat(time) for time, _ in lines[: len(at)]]
