"""A client is suspended while it places orders."""

import pytest

from tests.fakes.builders import NOW, D, make_exchange, make_request
from tests.fakes.office import NEW, OPERATOR, Office
from tests.fakes.queues import MemoryMonitor, MemoryWorkflow
from tests.fakes.venues import MemoryLastPrices
from trading.domain.orders.cancellation import BY_SUSPENSION
from trading.domain.orders.reasons import OrderReason, RejectReason
from trading.messages import ExecutionMessage
from trading.usecases.administration.transfer_assets import Cash
from trading.usecases.orders.place_order import PlaceOrder


def test_a_suspension_ends_the_tokens_of_a_key_that_the_index_does_not_know_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = Office()
    key = office.clients.create(NEW, OPERATOR).credential.api_key
    monkeypatch.setattr(office.registry, "api_keys", lambda _: [])
    office.clients.suspend("alice", OPERATOR)
    assert office.ended_tokens.generations == {key: 1}


def test_a_suspension_leaves_no_order_open_that_is_placed_while_it_cancels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = Office().opened().with_open_order()
    place = PlaceOrder(
        office.registry,
        MemoryLastPrices(),
        MemoryWorkflow(office.mailboxes),
        MemoryMonitor(),
        lambda: NOW,
    )
    office.transfers.deposit("alice", Cash(amount=D("1000.00")), "more", OPERATOR)
    request = make_request(quantity=1)
    office.registry.venues = [make_exchange()]
    send, placed = office.mailboxes.execution, list[OrderReason | None]()

    def send_after_an_order(message: ExecutionMessage) -> None:
        placed.append(place(request, "late", "fingerprint", "c")[0].reason_code)
        send(message)

    monkeypatch.setattr(office.mailboxes, "execution", send_after_an_order)
    office.clients.suspend("alice", OPERATOR)
    assert placed == [RejectReason.CLIENT_INACTIVE]
    open_orders = office.registry.orders(office.registry.account("alice").open_order_ids)
    assert [order.ending for order in open_orders] == [BY_SUSPENSION]
