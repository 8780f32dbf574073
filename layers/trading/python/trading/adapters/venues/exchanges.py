"""The clients of the exchanges' APIs, each behind its own circuit breaker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.circuit_breaker import (
    CircuitBreakerConfig,
    CircuitBreakerOpenError,
    CircuitBreakerPersistenceError,
    CircuitState,
    CircuitTransition,
    circuit_breaker,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence import (
    CircuitBreakerDynamoDBPersistence,
)

from trading.adapters.runtime.observability import count, logger
from trading.adapters.venues import circuit
from trading.adapters.venues.answers import read
from trading.adapters.venues.http import VenueHttp
from trading.metrics import Metric
from trading.usecases.ports import NotAcceptedError, OutcomeUnknownError
from trading.wire import ConsolidatedQuote, OrderState, SubmitOrder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ExchangeDownError(Exception):
    """The exchange answered 503: it is down and took nothing."""


RECOVERY_SECONDS = 15
BREAKER = CircuitBreakerConfig(
    failure_threshold=3,
    recovery_timeout=RECOVERY_SECONDS,
    success_threshold=1,
    handled_exceptions=(OutcomeUnknownError, ExchangeDownError),
    local_cache_max_age=1,
)


def circuit_name(exchange_id: str) -> str:
    """The name of the breaker's item in the control table."""
    return f"CIRCUIT#{exchange_id}"


def circuit_store(client: DynamoDBClient, table: str) -> CircuitBreakerDynamoDBPersistence:
    """The store through which the workers share the state of their breakers. A worker's view is at
    most one second old.
    """
    return CircuitBreakerDynamoDBPersistence(
        table, key_attr="name", expiry_attr="expires_at", boto3_client=client
    )


@dataclass(frozen=True)
class HttpExchanges:
    """The port `Exchanges`."""

    http: VenueHttp
    circuits: CircuitBreakerDynamoDBPersistence
    tape_key_id: str

    def submit(self, exchange_id: str, order: SubmitOrder) -> OrderState:
        """Submit an order. Raises NotAcceptedError when the exchange certainly did not take it, and
        OutcomeUnknownError when it may have.
        """
        path, body = f"/exchanges/{exchange_id}/orders", order.model_dump_json().encode()
        try:
            status, answer = self._call(exchange_id, "POST", path, body, order.correlation_id)
        except (CircuitBreakerOpenError, ExchangeDownError) as error:
            raise NotAcceptedError(str(error) or f"{exchange_id} is down") from error
        if status == HTTPStatus.ACCEPTED:
            return _state_in(answer, exchange_id, path, order.client_order_id)
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise NotAcceptedError(answer.decode(errors="replace")[:200])
        raise OutcomeUnknownError(f"{path}: {status} {answer[:200]!r}")

    def cancel(self, exchange_id: str, client_order_id: str) -> OrderState:
        """Cancel an order. If the exchange does not know it yet, the exchange refuses it later."""
        return self._state("DELETE", exchange_id, client_order_id)

    def status(self, exchange_id: str, client_order_id: str) -> OrderState | None:
        """The state of an order at the exchange; None if the exchange never got it."""
        try:
            return self._state("GET", exchange_id, client_order_id)
        except _Unknown:
            return None

    def quotes(self, symbol: str) -> ConsolidatedQuote:
        """The quotes of all exchanges for a symbol, from the consolidated tape."""
        path = f"/quotes/{symbol}"
        status, answer = self.http.request(self.tape_key_id, "GET", path, tries=1)
        if status != HTTPStatus.OK:
            raise OutcomeUnknownError(f"{path}: {status} {answer[:200]!r}")
        tape = read(ConsolidatedQuote, answer, self.tape_key_id, path)
        if tape.symbol != symbol:
            raise OutcomeUnknownError(f"{path}: an answer about {tape.symbol}")
        if tape.not_understood and not tape.quotes:
            raise OutcomeUnknownError(f"{path}: no readable quote")
        return tape

    def _state(self, method: str, exchange_id: str, client_order_id: str) -> OrderState:
        path = f"/exchanges/{exchange_id}/orders/{client_order_id}"
        try:
            status, answer = self._call(exchange_id, method, path)
        except (CircuitBreakerOpenError, ExchangeDownError) as error:
            raise OutcomeUnknownError(str(error) or f"{exchange_id} is down") from error
        if status == HTTPStatus.NOT_FOUND:
            raise _Unknown(path)
        if status != HTTPStatus.OK:
            raise OutcomeUnknownError(f"{path}: {status} {answer[:200]!r}")
        return _state_in(answer, exchange_id, path, client_order_id)

    def _call(
        self, exchange_id: str, method: str, path: str, body: bytes = b"", correlation_id: str = ""
    ) -> tuple[int, bytes]:
        cause = ""

        def call() -> tuple[int, bytes]:
            nonlocal cause
            try:
                status, answer = self.http.request(
                    exchange_id, method, path, body, correlation_id, tries
                )
            except OutcomeUnknownError as error:
                cause = str(error)
                raise
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                cause = f"{method} {path}: {status} {answer[:200]!r}"
                raise ExchangeDownError(f"{exchange_id} is down")
            return status, answer

        def report(transition: CircuitTransition) -> None:
            self._report(exchange_id, transition, cause)

        tries = 1 if method == "POST" else 2  # a submit without an answer is fenced, not repeated
        protected: Callable[[], tuple[int, bytes]] = circuit_breaker(
            circuit_name(exchange_id), self.circuits, on_transition=report, config=BREAKER
        )(call)
        try:
            return protected()
        except CircuitBreakerPersistenceError:
            logger.exception("circuit state unavailable, calling without it")
            return call()

    def _report(self, exchange_id: str, transition: CircuitTransition, cause: str) -> None:
        """Log and count the transition, and record what opened the circuit. If this fails, the
        breaker logs the failure and nothing else changes.
        """
        old, new = str(transition.from_state), str(transition.to_state)
        logger.warning(
            "circuit changed", circuit=transition.circuit_name, old=old, new=new, cause=cause
        )
        if transition.to_state is CircuitState.OPEN:
            count(Metric.CIRCUITS_OPENED)
        store = self.circuits
        failures = BREAKER.failure_threshold
        circuit.record(
            store.client,
            store.table_name,
            exchange_id,
            transition,
            cause,
            failures,
            self.http.now(),
        )


class _Unknown(OutcomeUnknownError):
    """The exchange does not know the order."""


def _state_in(answer: bytes, exchange_id: str, path: str, client_order_id: str) -> OrderState:
    """Read the state of this order. Raises OutcomeUnknownError, also for that of another order: its
    executions would be booked for the wrong client.
    """
    state = read(OrderState, answer, exchange_id, path)
    if state.client_order_id != client_order_id:
        raise OutcomeUnknownError(f"{path}: an answer about {state.client_order_id}")
    return state
