"""Which of a client's earlier orders a dead worker may have routed and not sent."""

from datetime import timedelta

from tests.fakes.builders import NOW, make_order
from trading.domain.orders.client_sequence import RESENT_WITHIN, possibly_unsent
from trading.domain.orders.order import Order

MINUTE = timedelta(minutes=1)


def routed(key: str, ago: timedelta) -> Order:
    """An order that was routed this long ago."""
    return make_order(key=key).routed((("XNYS", 100),), NOW - ago)


def test_the_order_that_was_routed_last_is_in_doubt() -> None:
    older, newer = routed("older", 5 * MINUTE), routed("newer", MINUTE)
    for predecessors in ([newer, older], [older, newer]):
        assert possibly_unsent(predecessors, NOW) == newer


def test_an_order_is_in_doubt_as_long_as_its_message_can_come_again() -> None:
    for ago, in_doubt in ((RESENT_WITHIN, True), (RESENT_WITHIN + MINUTE, False)):
        order = routed("key", ago)
        assert possibly_unsent([order], NOW) == (order if in_doubt else None)


def test_an_order_that_was_not_routed_is_not_in_doubt() -> None:
    assert possibly_unsent([make_order()], NOW) is None
