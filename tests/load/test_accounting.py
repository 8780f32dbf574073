"""The accounting finds everything that can be lost, doubled or changed. Each test spoils one thing
in a run of one filled order and one bad request.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.builders import (
    NOW,
    make_client,
    make_exchange,
    make_execution,
    make_instrument,
    owned,
    routed_order,
)
from tests.load import accounting
from tests.load.plan import ACCEPTED, REUSED, Planned, Repeat, plan
from tests.load.standing import DeadLetter
from tests.load.tables import Books
from tests.load.traffic import Answer, Sent
from trading.domain.accounts.cash import Account
from trading.domain.ledger import Fill, Novation
from trading.domain.orders import booking, order_entry
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import OrderStatus
from trading.domain.posttrade import clearing, netting
from trading.wire import ExecType, ExecutionReport

ORDER = {
    "client_id": "alice",
    "stock_symbol": "AAPL",
    "side": "buy",
    "quantity": 100,
    "order_type": "limit",
    "time_in_force": "DAY",
    "price": "100.00",
}
CONTENT = json.dumps(ORDER).encode()
BAD = Planned("alice", "key-2", "bad", b"{", frozenset({"400 MALFORMED_JSON"}))


def traded() -> tuple[Order, Account, list[Fill]]:
    """The order of ORDER, filled by two executions and cleared."""
    client, instrument, exchange = make_client(), make_instrument(), make_exchange()
    accepted = order_entry.accept(
        routed_order(), client, Account(client_id="alice", available=Decimal(20000)), None
    )
    order, account, position, fills = accepted.order, accepted.account, owned(accepted.order, 0), []
    for quantity in (60, 40):
        fill = make_execution(order, quantity, "99.00")
        booked = booking.book(order, fill, instrument, exchange, account, position, NOW)
        order, account, position = booked.order, booked.account, booked.position
        fills.append(booked.fill)
    return order.cleared(NOW), account, fills


def novations(fills: list[Fill]) -> list[Novation]:
    owed = [netting.obligation_of(fill) for fill in fills]
    net = netting.net("AAPL", fills[0].settlement_date, owed)
    return [clearing.novate(fill, make_client().margin_percent, net, NOW) for fill in fills]


def report(order: Order, fill: Fill) -> ExecutionReport:
    """The report of a fill."""
    return ExecutionReport(
        exchange_id=fill.exchange_id,
        execution_id=fill.execution_id,
        client_order_id=f"{order.order_id}-1",
        exchange_order_id="any",
        account="alice",
        symbol="AAPL",
        side=order.side,
        exec_type=ExecType.TRADE,
        last_quantity=fill.quantity,
        last_price=fill.price,
        cumulative_quantity=fill.quantity,
        leaves_quantity=0,
        transact_time=NOW,
        correlation_id="any",
    )


ORDER_NOW, ACCOUNT, FILLS = traded()
ORDER_ID = ORDER_NOW.order_id
BOOKS = Books(
    orders={ORDER_ID: ORDER_NOW},
    accounts=(ACCOUNT,),
    positions=(),
    entries=(*FILLS, *novations(FILLS)),
    reports=tuple(report(ORDER_NOW, fill) for fill in FILLS),
)


def answer(outcome: str, *, replayed: bool = False, **body: Any) -> Answer:
    """An answer that took one second."""
    return Answer(outcome, body, replayed, 0.0, 1.0, 1)


def accepted(order_id: str = ORDER_ID, *, replayed: bool = False) -> Answer:
    """The order's acceptance."""
    return answer(ACCEPTED, order_id=order_id, status="VALIDATED", replayed=replayed)


def placed(
    repeat: Repeat = Repeat.NOT, repeated: Answer | None = None, first: Answer | None = None
) -> list[Sent]:
    """The order and the bad request, both answered."""
    planned = Planned("alice", "key-1", "limit buy", CONTENT, frozenset({ACCEPTED}), repeat)
    return [Sent(planned, first or accepted(), repeated), Sent(BAD, answer("400 MALFORMED_JSON"))]


def spoiled(**changes: Any) -> Books:
    """The books with the order changed."""
    return replace(BOOKS, orders={ORDER_ID: ORDER_NOW.model_copy(update=changes)})


@pytest.mark.parametrize(
    ("repeat", "repeated"),
    [
        (Repeat.NOT, None),
        (Repeat.AT_ONCE, accepted()),
        (Repeat.LATER, accepted(replayed=True)),
        (Repeat.OTHER_AT_ONCE, answer(REUSED)),
        (Repeat.OTHER_LATER, answer(REUSED)),
    ],
)
def test_a_right_run_has_no_complaint(repeat: Repeat, repeated: Answer | None) -> None:
    assert accounting.complaints(placed(repeat, repeated), BOOKS) == []


def test_of_two_orders_under_one_key_the_repetition_may_win() -> None:
    order = ORDER_NOW.model_copy(
        update={"quantity": 101, "filled_quantity": 100, "status": OrderStatus.CLEARED}
    )
    sent = placed(Repeat.OTHER_AT_ONCE, accepted(), answer(REUSED))
    assert accounting.complaints(sent, replace(BOOKS, orders={ORDER_ID: order})) == []


@pytest.mark.parametrize(
    ("sent", "complaint"),
    [
        (lambda: [Sent(placed()[0].planned), placed()[1]], "was never answered"),
        (lambda: placed(first=answer("500 INTERNAL")), "answered 500 INTERNAL"),
        (
            lambda: [placed()[0], Sent(BAD, answer("422 VALIDATION_FAILED"))],
            "answered 422 VALIDATION_FAILED",
        ),
        (lambda: placed(Repeat.LATER, None), "was never answered"),
        (lambda: placed(Repeat.LATER, accepted()), "not marked"),
        (lambda: placed(Repeat.AT_ONCE, accepted("ord_other")), "twice under one key"),
        (lambda: placed(Repeat.OTHER_LATER, accepted()), "two orders under one key"),
        (
            lambda: placed(Repeat.OTHER_LATER, accepted(), answer(REUSED)),
            "two orders under one key",
        ),
        (
            lambda: placed(Repeat.OTHER_AT_ONCE, answer(REUSED), answer(REUSED)),
            "two orders under one key",
        ),
        (lambda: placed(first=accepted("ord_other")), "not its own"),
        (lambda: [placed()[1]], "nobody was answered with it"),
    ],
)
def test_wrong_answers_are_found(sent: Callable[[], list[Sent]], complaint: str) -> None:
    assert any(complaint in each for each in accounting.complaints(sent(), BOOKS))


@pytest.mark.parametrize(
    ("books", "complaint"),
    [
        (replace(BOOKS, orders={}), "is lost"),
        (spoiled(quantity=99), "quantity 99 for 100"),
        (spoiled(symbol="KO"), "stock_symbol KO for AAPL"),
        (spoiled(limit_price=Decimal(101)), "price 101"),
        (spoiled(status=OrderStatus.ROUTING), "is ROUTING, not at rest"),
        (spoiled(attention_at=NOW), "not at rest"),
        (spoiled(cleared_at=None), "not cleared"),
        (spoiled(review_reason="OVERFILL"), "wants a person: OVERFILL"),
        (spoiled(filled_quantity=90), "fills of 100, filled 90"),
        (replace(BOOKS, entries=BOOKS.entries[1:]), "executed and not booked"),
        (replace(BOOKS, entries=BOOKS.entries[:-1]), "not novated"),
        (replace(BOOKS, reports=BOOKS.reports[1:]), "booked and not executed"),
        (replace(BOOKS, reports=(*BOOKS.reports, BOOKS.reports[0])), "executed and not booked"),
        (
            replace(BOOKS, accounts=(ACCOUNT.model_copy(update={"held": Decimal(1)}),)),
            "still holds 1 cash",
        ),
        (
            replace(BOOKS, accounts=(ACCOUNT.model_copy(update={"credit_held": Decimal(1)}),)),
            "1 credit",
        ),
        (replace(BOOKS, positions=(owned(ORDER_NOW, 5).hold(5),)), "still holds 5 AAPL"),
        (
            replace(BOOKS, accounts=(ACCOUNT.model_copy(update={"sequence": 2}),)),
            "accepted 2 orders",
        ),
    ],
)
def test_wrong_books_are_found(books: Books, complaint: str) -> None:
    assert any(complaint in each for each in accounting.complaints(placed(), books))


def shown(**changes: Any) -> Answer:
    """The order as the API shows it."""
    executions = [{"trade_id": fill.trade_id, "executed_quantity": fill.quantity} for fill in FILLS]
    body: dict[str, Any] = {
        "current_status": "CLEARED",
        "filled_quantity": 100,
        "fees": str(ORDER_NOW.fees),
        "status_history": [{"status": str(entry.status)} for entry in ORDER_NOW.history],
        "execution_details": executions,
        "clearing_details": executions,
    }
    return answer("200", **body | changes)


def test_what_the_api_shows_as_kept_has_no_complaint() -> None:
    assert list(accounting.shown_as_kept(ORDER_NOW, FILLS, shown())) == []


@pytest.mark.parametrize(
    "seen",
    [
        None,
        answer("404 NOT_FOUND"),
        shown(current_status="FILLED"),
        shown(filled_quantity=99),
        shown(fees="0.00"),
        shown(status_history=[]),
        shown(execution_details=[]),
        shown(clearing_details=[]),
    ],
)
def test_what_the_api_shows_otherwise_is_found(seen: Answer | None) -> None:
    assert list(accounting.shown_as_kept(ORDER_NOW, FILLS, seen))


ABOUT_THE_ORDER = DeadLetter("execution-dlq.fifo", json.dumps({"order_id": ORDER_ID}), "why")
PERIODIC = DeadLetter("invocations-dlq", '{"requestPayload": {"kind": "session"}}', "")


def test_dead_letters_are_explained_by_an_order_at_rest_or_the_next_minute() -> None:
    old = DeadLetter("execution-dlq.fifo", "{}", "from before")
    assert accounting.unexplained([ABOUT_THE_ORDER, PERIODIC, old], [old], BOOKS.orders) == []


@pytest.mark.parametrize(
    "letter",
    [
        DeadLetter("execution-dlq.fifo", "{}", ""),
        DeadLetter("execution-dlq.fifo", "not JSON", ""),
        DeadLetter("clearing-dlq.fifo", json.dumps({"order_id": "ord_other"}), ""),
        replace(PERIODIC, body=json.dumps({"requestPayload": {"client_order_id": "ord_other-1"}})),
    ],
)
def test_other_dead_letters_are_not(letter: DeadLetter) -> None:
    assert len(accounting.unexplained([letter, ABOUT_THE_ORDER], [], BOOKS.orders)) == 1


def test_a_dead_letter_of_an_order_under_way_is_not_explained() -> None:
    assert accounting.unexplained([ABOUT_THE_ORDER], [], spoiled(attention_at=NOW).orders)


def test_a_plan_follows_from_its_seed_and_has_every_kind() -> None:
    clients = [f"client-{number}" for number in range(7)]
    planned = plan(clients, 1000, 5)
    assert planned == plan(clients, 1000, 5) != plan(clients, 1000, 6)
    assert len({each.key for each in planned}) == 1000
    assert {each.repeat for each in planned} == set(Repeat)
    assert all(each.repetition != each.content for each in planned if each.repeat.is_other)
    assert {each.client_id for each in planned} == set(clients)
