"""The operations of the exchanges' API: submit and cancel orders, show their state, and quote."""

from collections.abc import Callable
from datetime import datetime, timedelta

from simulators.adapters.configuration import Configuration
from simulators.adapters.exchange_store import ExchangeStore, OrderRecord
from simulators.dice import Dice
from simulators.exchange import Tombstone, accept, cancel, validate
from simulators.market import Consumed, displayed_quote, minute_of, remaining_quote
from simulators.problem import Problem
from simulators.reference import EXCHANGE_IDS
from simulators.retries import retrying
from trading.wire import ConsolidatedQuote, OrderState, SubmitOrder

PICKED_UP_AFTER = timedelta(seconds=5)
"""If the immediate match did not happen, the session looks at the order after this time."""


class OrderEntry:
    """The exchanges as their members see them. Refusals are Problems."""

    def __init__(
        self,
        store: ExchangeStore,
        configuration: Configuration,
        dice: Dice,
        start_matching: Callable[[str, str], None],
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._store = store
        self._configuration = configuration
        self._dice = dice
        self._start_matching = start_matching
        self._clock = clock
        self._sleep = sleep

    def submit(self, exchange_id: str, order: SubmitOrder) -> OrderState:
        """Take an order once and start its matching. A repeated request gets the present state of
        the order.

        Raises Problem 422 for a refused order and 409 if the id belongs to other terms. Raises
        Problem 503 if the exchange is down; nothing is stored then.
        """
        self._require_up(exchange_id)
        return retrying(self._sleep)(self._submit, exchange_id, order)

    def cancel(self, exchange_id: str, client_order_id: str) -> OrderState:
        """Cancel an order unless it is final, and return its state. An unknown id can never be
        submitted after this.
        """
        self._require_up(exchange_id)
        return retrying(self._sleep)(self._cancel, exchange_id, client_order_id)

    def status(self, exchange_id: str, client_order_id: str) -> OrderState:
        """The state of an order. Raises Problem 404 if the order never arrived."""
        self._require_up(exchange_id)
        known = retrying(self._sleep)(self._store.load, exchange_id, client_order_id)
        if known is None:
            raise Problem(404, "UNKNOWN_ORDER", "no such order")
        return _state(known)

    def quotes(self, symbol: str) -> ConsolidatedQuote:
        """The remaining displayed liquidity on each exchange that is up."""
        listing = self._configuration.listing(symbol)
        if listing is None:
            raise Problem(404, "UNKNOWN_SYMBOL", "no such symbol")
        now = self._clock()
        minute = minute_of(now)
        consumed = self._store.consumed(symbol, minute)
        return ConsolidatedQuote(
            symbol=symbol,
            as_of=now,
            quotes=tuple(
                remaining_quote(
                    displayed_quote(self._dice, listing, exchange_id, behaviour, minute),
                    consumed.get(exchange_id, Consumed()),
                )
                for exchange_id, behaviour in (
                    (each, self._configuration.exchange(each)) for each in EXCHANGE_IDS
                )
                if not behaviour.is_down(self._dice, exchange_id, minute)
            ),
        )

    def _submit(self, exchange_id: str, order: SubmitOrder) -> OrderState:
        known = self._store.load(exchange_id, order.client_order_id)
        if isinstance(known, Tombstone):
            raise Problem(
                422, "CANCELED_BEFORE_ARRIVAL", "the order was canceled before it arrived"
            )
        if known is not None:
            if not known.booked.has_terms_of(order):
                raise Problem(
                    409,
                    "ORDER_ID_REUSED",
                    "this client order id stands for an order with other terms",
                )
            return _state(known)
        validate(order, self._configuration.listing(order.symbol))
        now = self._clock()
        booked = accept(exchange_id, order, now)
        self._store.open(booked, now + PICKED_UP_AFTER)
        self._start_matching(exchange_id, order.client_order_id)
        return booked.state(())

    def _cancel(self, exchange_id: str, client_order_id: str) -> OrderState:
        known = self._store.load(exchange_id, client_order_id)
        if known is None:
            known = Tombstone(exchange_id=exchange_id, client_order_id=client_order_id)
            self._store.save_tombstone(known)
        elif isinstance(known, OrderRecord) and not known.booked.status.is_final:
            canceled = cancel(known.booked)
            self._store.replace(known.booked, canceled)
            known = known._replace(booked=canceled)
        return _state(known)

    def _require_up(self, exchange_id: str) -> None:
        behaviour = self._configuration.exchange(exchange_id)
        if behaviour.is_down(self._dice, exchange_id, minute_of(self._clock())):
            raise Problem(503, "EXCHANGE_DOWN", "the exchange is down")


def _state(known: OrderRecord | Tombstone) -> OrderState:
    if isinstance(known, Tombstone):
        return known.state()
    return known.booked.state([dispatch.report for dispatch in known.dispatches])
