"""The exchanges' books in DynamoDB.

`ORDER#{exchange}#{client order id}` holds `ORDER` (or a tombstone) and one `REPORT#{number}` for
each report. `LIQUIDITY#{symbol}` holds what orders took, under `{minute}#{exchange}`.
`WORK#{exchange}` lists, by client order id, the orders that are not final or have reports to send.
It says when the session looks at each of them next.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from simulators.adapters.tables import Item, Table, without_keys
from simulators.dispatch import Dispatch
from simulators.exchange import BookedOrder, MatchOutcome, Tombstone
from simulators.market import Consumed, liquidity_expires_at
from simulators.retries import ConflictError
from trading.domain.values import Side, iso

_ABSENT = "attribute_not_exists(pk)"
_PRESENT = "attribute_exists(pk)"


class OrderRecord(NamedTuple):
    """One version of an order with its reports, in the order of their numbers."""

    booked: BookedOrder
    dispatches: tuple[Dispatch, ...]

    @property
    def is_finished(self) -> bool:
        """Whether the session is done with the order: it is final and no report is left to send."""
        return self.booked.status.is_final and not any(
            dispatch.is_pending for dispatch in self.dispatches
        )


class ExchangeStore:
    """Orders, reports, consumed liquidity and the list of work."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, exchange_id: str, client_order_id: str) -> OrderRecord | Tombstone | None:
        """The order or its tombstone. Raises ConflictError while a match is being written."""
        items = {
            item["sk"]: without_keys(item)
            for item in self._table.query(_order_pk(exchange_id, client_order_id))
        }
        order = items.pop("ORDER", None)
        if order is None:
            return None
        if order.get("tombstone"):
            return Tombstone(exchange_id=exchange_id, client_order_id=client_order_id)
        booked = BookedOrder.model_validate(order)
        if len(items) != booked.report_count:
            raise ConflictError
        return OrderRecord(
            booked, tuple(Dispatch.model_validate(item) for _, item in sorted(items.items()))
        )

    def open(self, booked: BookedOrder, due_at: datetime) -> None:
        """Enter a new order and the work on it. Raises ConflictError if the id is known already."""
        work = {**_work_key(booked), "due_at": iso(due_at)}
        self._table.transact([self._table.put(_order_item(booked), _ABSENT), self._table.put(work)])

    def save_tombstone(self, tombstone: Tombstone) -> None:
        """Make sure that an unknown order never arrives. Raises ConflictError if it has arrived."""
        key = _order_pk(tombstone.exchange_id, tombstone.client_order_id)
        self._table.write(
            self._table.client.put_item,
            Item={"pk": key, "sk": "ORDER", "tombstone": True},
            ConditionExpression=_ABSENT,
        )

    def replace(self, before: BookedOrder, after: BookedOrder) -> None:
        """Write the new state of an order. Raises ConflictError if the stored version is not the
        one that was read.
        """
        self._table.write(
            self._table.client.put_item,
            Item=_order_item(after),
            ConditionExpression="version = :version",
            ExpressionAttributeValues={":version": before.version},
        )

    def commit(
        self,
        before: BookedOrder,
        outcome: MatchOutcome,
        dispatches: Sequence[Dispatch],
        minute: int,
        displayed: int,
    ) -> None:
        """Write a match in one transaction: the state of the order, its reports and the shares
        taken.

        Raises ConflictError if the order or the liquidity has changed since it was read.
        """
        order, table = before.order, self._table
        order_item = table.put(
            _order_item(outcome.booked),
            "version = :version",
            ExpressionAttributeValues={":version": before.version},
        )
        report_items = [
            table.put({**_report_key(outcome.booked, number), **_dump(dispatch)}, _ABSENT)
            for number, dispatch in enumerate(dispatches, before.report_count + 1)
        ]
        consumption = {
            "TableName": table.name,
            "Key": {"pk": _liquidity_pk(order.symbol), "sk": f"{minute}#{before.exchange_id}"},
            "UpdateExpression": "ADD #taken :taken SET expires_at = :expires_at",
            "ConditionExpression": "attribute_not_exists(#taken) OR #taken <= :room",
            "ExpressionAttributeNames": {"#taken": "bought" if order.side is Side.BUY else "sold"},
            "ExpressionAttributeValues": {
                ":taken": outcome.taken,
                ":room": displayed - outcome.taken,
                ":expires_at": liquidity_expires_at(minute),
            },
        }
        table.transact(
            [order_item, *report_items, *([{"Update": consumption}] if outcome.taken else [])]
        )

    def consumed(self, symbol: str, minute: int) -> dict[str, Consumed]:
        """The shares taken from each exchange's liquidity in a minute."""
        return {
            item["sk"].partition("#")[2]: Consumed(
                bought=item.get("bought", 0), sold=item.get("sold", 0)
            )
            for item in self._table.query(_liquidity_pk(symbol), prefix=f"{minute}#")
        }

    def save_dispatch(self, booked: BookedOrder, dispatch: Dispatch) -> None:
        """Write the outcome of sending a report. Raises ConflictError if another worker got an
        answer meanwhile.
        """
        number = int(dispatch.report.execution_id.rpartition("-")[2])
        self._table.write(
            self._table.client.put_item,
            Item={**_report_key(booked, number), **_dump(dispatch)},
            ConditionExpression="#state = :pending",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":pending": "PENDING"},
        )

    def due_work(self, exchange_id: str, now: datetime) -> list[str]:
        """The client order ids that are due. The one that has been due for the longest time comes
        first.
        """
        due = self._table.query(
            _work_pk(exchange_id),
            FilterExpression="due_at <= :now",
            ExpressionAttributeValues={":now": iso(now)},
        )
        return [item["sk"] for item in sorted(due, key=lambda item: str(item["due_at"]))]

    def postpone_work(self, booked: BookedOrder, due_at: datetime) -> None:
        """Look at the order again at `due_at`.
        Raises ConflictError if another worker finished it.
        """
        self._table.write(
            self._table.client.update_item,
            Key=_work_key(booked),
            UpdateExpression="SET due_at = :due_at",
            ConditionExpression=_PRESENT,
            ExpressionAttributeValues={":due_at": iso(due_at)},
        )

    def finish_work(self, booked: BookedOrder) -> None:
        """Take a finished order off the list of work."""
        self._table.client.delete_item(TableName=self._table.name, Key=_work_key(booked))


def _order_pk(exchange_id: str, client_order_id: str) -> str:
    return f"ORDER#{exchange_id}#{client_order_id}"


def _liquidity_pk(symbol: str) -> str:
    return f"LIQUIDITY#{symbol}"


def _work_pk(exchange_id: str) -> str:
    return f"WORK#{exchange_id}"


def _work_key(booked: BookedOrder) -> Item:
    return {"pk": _work_pk(booked.exchange_id), "sk": booked.order.client_order_id}


def _report_key(booked: BookedOrder, number: int) -> Item:
    return {
        "pk": _order_pk(booked.exchange_id, booked.order.client_order_id),
        "sk": f"REPORT#{number:06}",
    }


def _order_item(booked: BookedOrder) -> Item:
    return {
        "pk": _order_pk(booked.exchange_id, booked.order.client_order_id),
        "sk": "ORDER",
        **_dump(booked),
    }


def _dump(model: BookedOrder | Dispatch) -> Item:
    return model.model_dump(mode="json")
