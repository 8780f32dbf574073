"""Damage that is planted into the books after a run. The reconciliation must report all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from tests.simulation.items import Item
from tests.simulation.violations import ViolationError

AN_HOUR = timedelta(hours=1)
MUCH = 1_000_000_000
"""More than any trade moves. Else another damage can make up for it: an execution that is booked
twice buys the very share that appears, and then the two sums agree.
"""
Typed = dict[str, Any]
"""An item in DynamoDB's format."""


class Damage(NamedTuple):
    """A changed item of a table, and the finding that it must cause."""

    what: str
    table: str
    item: Typed
    invariant: int
    subject: str


class Books(NamedTuple):
    """The items of the three tables."""

    accounts: list[Typed]
    orders: list[Typed]
    ledger: list[Typed]


def planted(books: Books) -> list[Damage]:
    """One damage of every kind that the books allow, each to another item."""
    kinds: tuple[Callable[[Books], Iterator[Damage]], ...] = (
        _cash_appears,
        _cash_is_held,
        _shares_appear,
        _shares_are_owed,
        _a_fill_is_counted_twice,
        _an_execution_is_booked_twice,
        _an_order_never_ends,
        _an_order_overtakes,
        _an_obligation_stays,
        _a_history_breaks_off,
        _an_entry_does_not_balance,
    )
    found: list[Damage] = []
    for kind in kinds:
        touched = {_touched(damage) for damage in found}
        damage = next((d for d in kind(books) if _touched(d) not in touched), None)
        if damage is not None:
            found.append(damage)
    return found


def check_found(damages: Iterable[Damage], report: Item) -> None:
    """Raise ViolationError unless a report confirms all damages."""
    confirmed = {
        (finding["invariant"], finding["subject"])
        for finding in report["findings"]
        if finding["confirmed"]
    }
    for damage in damages:
        if (damage.invariant, damage.subject) not in confirmed:
            raise ViolationError(
                "reconciliation finds planted damage",
                f"{damage.what}: invariant {damage.invariant} of {damage.subject}",
                str(sorted(confirmed)),
            )


def _cash_appears(books: Books) -> Iterator[Damage]:
    for item in _of_kind(books.accounts, "CASH"):
        more = _more(item, "available", MUCH)
        yield Damage("cash appears", "accounts", more, 1, item["client_id"]["S"])


def _cash_is_held(books: Books) -> Iterator[Damage]:
    for item in _of_kind(books.accounts, "CASH"):
        held = _more(_more(item, "available", -1), "held", 1)
        yield Damage("cash is held for nothing", "accounts", held, 3, item["client_id"]["S"])


def _shares_appear(books: Books) -> Iterator[Damage]:
    for item in _of_kind(books.accounts, "POSITION#"):
        more = _more(item, "available", MUCH)
        yield Damage("shares appear", "accounts", more, 2, _position(item))


def _shares_are_owed(books: Books) -> Iterator[Damage]:
    for item in _of_kind(books.accounts, "POSITION#"):
        owed = {**item, "available": {"N": "-1"}, "held": {"N": "0"}}
        yield Damage("a position falls below zero", "accounts", owed, 4, _position(item))


def _a_fill_is_counted_twice(books: Books) -> Iterator[Damage]:
    for item in books.orders:
        if item["status"]["S"] == "SETTLED":
            more = _more(item, "filled_quantity", 1)
            yield Damage("a fill is counted twice", "orders", more, 5, item["order_id"]["S"])


def _an_execution_is_booked_twice(books: Books) -> Iterator[Damage]:
    for item in _fills(books):
        again = {**item, "trade_id": {"S": item["trade_id"]["S"][::-1]}}
        execution = f"{item['exchange_id']['S']}/{item['execution_id']['S']}"
        yield Damage("an execution is booked twice", "ledger", again, 6, execution)


def _an_order_never_ends(books: Books) -> Iterator[Damage]:
    for item in books.orders:
        lines = item["history"]["L"]
        if len(lines) > 2 and lines[-2]["S"].split(" ")[1] == "ROUTING":
            cut = {**item, "status": {"S": "ROUTING"}, "history": {"L": lines[:-1]}}
            yield Damage("an order never ends", "orders", cut, 7, item["order_id"]["S"])


def _an_order_overtakes(books: Books) -> Iterator[Damage]:
    """The first of two orders that were routed one after the other is routed after the second."""
    routed = [
        (item["client_id"]["S"], int(item["sequence"]["N"]), item)
        for item in books.orders
        if "release_at" not in item and "put_off" not in item and _routing_line(item) is not None
    ]
    for (client, _, first), (other, _, second) in pairwise(sorted(routed, key=lambda r: r[:2])):
        line, at = _routing_line(first), _routing_line(second)
        if client != other or line is None or at is None:
            continue
        lines = list(first["history"]["L"])
        routed_at = datetime.fromisoformat(second["history"]["L"][at]["S"].split(" ")[0]) + AN_HOUR
        rest = lines[line]["S"].split(" ", 1)[1]
        lines[line] = {"S": f"{routed_at.isoformat(timespec='microseconds')} {rest}"}
        late = {**first, "history": {"L": lines}}
        yield Damage("an order overtakes", "orders", late, 8, second["order_id"]["S"])


def _an_obligation_stays(books: Books) -> Iterator[Damage]:
    """A settled trade has its obligation again."""
    kept = ("client_id", "settlement_date", "symbol", "trade_id", "order_id", "side", "quantity")
    open_ones = {
        (item["client_id"]["S"], item["item"]["S"])
        for item in _of_kind(books.accounts, "OBLIGATION#")
    }
    for item in _fills(books):
        day, symbol, trade_id = (
            item[name]["S"] for name in ("settlement_date", "symbol", "trade_id")
        )
        owed = {name: item[name] for name in (*kept, "currency")}
        owed |= {"item": {"S": f"OBLIGATION#{day}#{symbol}#{trade_id}"}, "amount": item["notional"]}
        if (owed["client_id"]["S"], owed["item"]["S"]) in open_ones:
            continue  # the depository refused this trade, so it is not settled
        yield Damage("an obligation stays", "accounts", owed, 9, f"ccp:{day}/{symbol}")


def _a_history_breaks_off(books: Books) -> Iterator[Damage]:
    for item in books.orders:
        if item["status"]["S"] == "SETTLED":
            broken = {**item, "status": {"S": "CLEARED"}}
            yield Damage("a history breaks off", "orders", broken, 10, item["order_id"]["S"])


def _an_entry_does_not_balance(books: Books) -> Iterator[Damage]:
    for item in _fills(books):
        first, *others = item["postings"]["L"]
        wrong = {"M": _more(first["M"], "amount", 1)}
        unbalanced = {**item, "postings": {"L": [wrong, *others]}}
        name = f"{item['trade_id']['S']}/FILL"
        yield Damage("an entry does not balance", "ledger", unbalanced, 1, name)


def _of_kind(items: Iterable[Typed], kind: str) -> Iterator[Typed]:
    return (item for item in items if item["item"]["S"].startswith(kind))


def _fills(books: Books) -> Iterator[Typed]:
    return (item for item in books.ledger if item["kind"]["S"] == "FILL")


def _more(item: Typed, name: str, amount: int) -> Typed:
    """An item with one number changed, whatever else it says."""
    whole, point, rest = item[name]["N"].partition(".")
    return {**item, name: {"N": f"{int(whole) + amount}{point}{rest}"}}


def _routing_line(item: Typed) -> int | None:
    lines = [line["S"].split(" ")[1] for line in item["history"]["L"]]
    return lines.index("ROUTING") if "ROUTING" in lines else None


def _position(item: Typed) -> str:
    return f"{item['client_id']['S']}/{item['item']['S'].removeprefix('POSITION#')}"


def _touched(damage: Damage) -> tuple[str, str]:
    """What no other damage may touch: the item, or all entries of an order."""
    item = damage.item
    if damage.table == "accounts":
        return item["client_id"]["S"], item["item"]["S"]
    return item["order_id"]["S"], ""
