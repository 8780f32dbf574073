"""Checks every request against the tables, and every order against its request. Each complaint is a
sentence. Without complaints, everything is accounted for.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from tests.load.plan import REUSED, Repeat
from tests.load.standing import DeadLetter
from tests.load.tables import Books
from tests.load.traffic import Answer, Sent
from trading.domain import identifiers
from trading.domain.ledger import Fill, Novation
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus

Execution = tuple[str, str, str, int, Decimal | None]


def complaints(sent: Sequence[Sent], books: Books) -> list[str]:
    """All complaints, once nothing moves any more."""
    return [
        *(
            f"{each.planned.key} ({each.planned.title}): {wrong}"
            for each in sent
            for wrong in _answers(each)
        ),
        *_requests(sent, books),
        *_ends(books),
        *_fills(books),
        *_holds(books),
        *_sequences(books),
    ]


def fills_by_order(books: Books) -> dict[str, list[Fill]]:
    """The fills of each order that has any."""
    fills: dict[str, list[Fill]] = defaultdict(list)
    for entry in books.entries:
        if isinstance(entry, Fill):
            fills[entry.order_id].append(entry)
    return fills


def _answers(sent: Sent) -> Iterator[str]:
    """Each answer is one of the right ones, and each key has one order."""
    planned, first, repeated = sent.planned, sent.first, sent.repeated
    if first is None or (planned.repeat is not Repeat.NOT and repeated is None):
        yield "was never answered"
        return
    if repeated is None:
        if first.outcome not in planned.allowed:
            yield f"answered {first.outcome}, right were {sorted(planned.allowed)}"
    elif planned.repeat.is_other:
        refused = [answer for answer in (first, repeated) if answer.outcome == REUSED]
        taken = [answer for answer in (first, repeated) if answer.outcome in planned.allowed]
        if (
            len(refused) != 1
            or len(taken) != 1
            or (refused[0] is first and not planned.repeat.is_at_once)
        ):
            yield f"two orders under one key were answered {first.outcome} and {repeated.outcome}"
    elif first.outcome not in planned.allowed or first.body != repeated.body:
        yield (
            f"twice under one key was answered {first.outcome} {first.body} and {repeated.outcome} "
            f"{repeated.body}"
        )
    elif not planned.repeat.is_at_once and not repeated.replayed:
        yield "its repetition was not marked as one"
    if planned.read_back and first.order_id and (sent.read is None or sent.read.outcome != "200"):
        yield f"read at once it was answered {sent.read.outcome if sent.read else 'nothing'}"


def _requests(requests: Sequence[Sent], books: Books) -> Iterator[str]:
    """Each order that was answered is in the tables with its terms, and the tables hold no other
    order.
    """
    orders = books.orders
    for sent in requests:
        for answer, content in (
            (sent.first, sent.planned.content),
            (sent.repeated, sent.planned.repetition),
        ):
            if answer is None or answer.order_id is None:
                continue
            derived = identifiers.order_id(sent.planned.client_id, sent.planned.key)
            order = orders.get(derived)
            if answer.order_id != derived:
                yield (
                    f"{sent.planned.key}: answered with order {answer.order_id}, which is not its "
                    f"own {derived}"
                )
            elif order is None:
                yield (
                    f"{sent.planned.key}: order {derived} was answered {answer.outcome} and is lost"
                )
            elif wrong := _differences(order, answer, json.loads(content)):
                yield (
                    f"{sent.planned.key}: order {derived} differs from what was asked and "
                    f"answered: {', '.join(wrong)}"
                )
    answered = {
        a.order_id for sent in requests for a in (sent.first, sent.repeated) if a is not None
    }
    for order_id in orders.keys() - answered:
        yield f"order {order_id} of {orders[order_id].client_id}: nobody was answered with it"


def _differences(order: Order, answer: Answer, asked: dict[str, Any]) -> list[str]:
    price = Decimal(asked["price"]) if "price" in asked else None
    first = order.history[1].status
    reason = (answer.body.get("reason") or {}).get("code")
    pairs = {
        "client_id": (order.client_id, asked["client_id"]),
        "stock_symbol": (order.symbol, asked["stock_symbol"]),
        "side": (order.side, asked["side"]),
        "quantity": (order.quantity, asked["quantity"]),
        "order_type": (order.order_type, asked["order_type"]),
        "time_in_force": (order.time_in_force, asked["time_in_force"]),
        "price": (order.limit_price, price),
        "status": (first, answer.body["status"]),
        "reason": (order.reason_code if first is OrderStatus.REJECTED else None, reason),
    }
    return [f"{name} {kept} for {said}" for name, (kept, said) in pairs.items() if kept != said]


def _ends(books: Books) -> Iterator[str]:
    """Each order has ended."""
    ended = {
        OrderStatus.REJECTED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.CLEARED,
        OrderStatus.SETTLED,
    }
    for order in books.orders.values():
        if order.status not in ended or order.attention_at is not None:
            yield f"order {order.order_id} is {order.status}, not at rest"
        if order.awaits_clearing:
            yield f"order {order.order_id}: its fills are not cleared"
        if order.review_reason is not None:
            yield f"order {order.order_id} wants a person: {order.review_reason}"


def _fills(books: Books) -> Iterator[str]:
    """The executions at the exchanges are the booked and cleared ones, one by one."""
    fills = fills_by_order(books)
    for order in books.orders.values():
        if (
            booked := sum(fill.quantity for fill in fills[order.order_id])
        ) != order.filled_quantity:
            yield f"order {order.order_id}: fills of {booked}, filled {order.filled_quantity}"
    novated = {entry.trade_id for entry in books.entries if isinstance(entry, Novation)}
    flat = [fill for each in fills.values() for fill in each]
    yield from (
        f"trade {fill.trade_id} is not novated" for fill in flat if fill.trade_id not in novated
    )
    ours: Counter[Execution] = Counter(
        (f.exchange_id, f.execution_id, f.order_id, f.quantity, f.price) for f in flat
    )
    theirs: Counter[Execution] = Counter(
        (
            r.exchange_id,
            r.execution_id,
            identifiers.parent_order_id(r.client_order_id),
            r.last_quantity,
            r.last_price,
        )
        for r in books.reports_of_trades
    )
    yield from (f"executed and not booked: {_words(execution)}" for execution in theirs - ours)
    yield from (f"booked and not executed: {_words(execution)}" for execution in ours - theirs)


def _words(execution: Iterable[object]) -> str:
    return " ".join(map(str, execution))


def _holds(books: Books) -> Iterator[str]:
    """Nothing is held once no order is open."""
    for account in books.accounts:
        if account.held or account.credit_held:
            yield (
                f"{account.client_id} still holds {account.held} cash and {account.credit_held} "
                "credit"
            )
    for position in books.positions:
        if position.held:
            yield f"{position.client_id} still holds {position.held} {position.symbol}"


def _sequences(books: Books) -> Iterator[str]:
    """A client's accepted orders are numbered without a gap."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for order in books.orders.values():
        if order.history[1].status is OrderStatus.VALIDATED:
            numbers[order.client_id].append(order.sequence)
    for account in books.accounts:
        found = sorted(numbers[account.client_id])
        if found != list(range(1, account.sequence + 1)):
            yield f"{account.client_id} accepted {account.sequence} orders, the tables have {found}"


def shown_as_kept(order: Order, fills: Sequence[Fill], answer: Answer | None) -> Iterator[str]:
    """Compare the API's view of an order with the tables."""
    if answer is None or answer.outcome != "200":
        yield f"order {order.order_id} is shown as {answer.outcome if answer else 'nothing'}"
        return
    shown = answer.body
    pairs: dict[str, tuple[object, object]] = {
        "status": (shown["current_status"], order.status),
        "filled": (shown["filled_quantity"], order.filled_quantity),
        "fees": (Decimal(shown["fees"]), order.fees),
        "history": (
            [e["status"] for e in shown["status_history"]],
            [e.status for e in order.history],
        ),
        "executions": (
            sorted((e["trade_id"], e["executed_quantity"]) for e in shown["execution_details"]),
            sorted((fill.trade_id, fill.quantity) for fill in fills),
        ),
        "clearing": (
            sorted(e["trade_id"] for e in shown["clearing_details"]),
            sorted(f.trade_id for f in fills),
        ),
    }
    for name, (seen, kept) in pairs.items():
        if seen != kept:
            yield f"order {order.order_id}: the API shows {name} {seen}, the tables have {kept}"


def unexplained(
    letters: Sequence[DeadLetter], before: Sequence[DeadLetter], orders: dict[str, Order]
) -> list[str]:
    """The dead letters of this run that matter.

    A dead letter does not matter if its order is at rest, because other messages reported the
    executions. Nor does a scheduled invocation that died repeatedly, because the next minute's
    invocation does the same work.
    """
    found = []
    for letter in (Counter(letters) - Counter(before)).elements():
        order = orders.get(letter.order_id or "")
        if letter.is_periodic or (order is not None and order.attention_at is None):
            continue
        found.append(f"{letter.queue}: {letter.reason or 'no reason given'}: {letter.body[:300]}")
    return found
