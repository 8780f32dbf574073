"""DynamoDB as its users use it.

They are our adapters, Powertools' records and circuit breakers, and the venues' books.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState, CircuitTransition
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)

from infra.catalog.tables import SIMULATOR_TABLES, TABLES
from simulators import depository, exchange
from simulators.adapters.depository_store import AnsweredInstruction, DepositoryStore
from simulators.adapters.exchange_store import ExchangeStore, OrderRecord
from simulators.adapters.tables import Table
from simulators.behaviour import DepositoryBehaviour
from simulators.dispatch import schedule
from simulators.exchange import Tombstone
from simulators.market import minute_of
from simulators.retries import ConflictError
from tests.fakes.clock import Clock
from tests.integration.trading import entities
from tests.simulation.contracts.backends import BACKENDS
from tests.simulation.contracts.dynamodb_tables import Tables, tables_in
from tests.unit.simulators.builders import DICE, FAULTLESS, NOW, QUOTE, booked_order
from trading.adapters.dynamodb.prices import TableLastPrices
from trading.adapters.dynamodb.reconciliation_reader import TableReader
from trading.adapters.dynamodb.tables import TableBooks, TableNames
from trading.adapters.http.throttle import Throttle
from trading.adapters.identity.credentials import TableCredentials
from trading.adapters.identity.login import TableClients, TableLoginFailures
from trading.adapters.venues import circuit
from trading.adapters.venues.exchanges import BREAKER, circuit_store
from trading.adapters.venues.health import TableVenueHealth
from trading.domain.clients.credentials import CLIENT_AUDIENCE, InvalidCredentialsError
from trading.domain.clients.lockout import LoginLockedError
from trading.domain.reference.instruments import Exchange
from trading.usecases.identity.log_in import LogIn
from trading.usecases.ports import Discharged, StaleError
from trading.wire import ConfirmationStatus, DeliveryDirection, SettlementInstruction


@pytest.fixture(params=BACKENDS)
def catalog(request: pytest.FixtureRequest) -> Tables:
    """The tables of the trading system."""
    return tables_in(request.param, request, TABLES)


@pytest.fixture(params=BACKENDS)
def venues(request: pytest.FixtureRequest) -> Tables:
    """The tables of the venues, and a client that uses Python types."""
    return tables_in(request.param, request, SIMULATOR_TABLES, native=True)


@pytest.fixture
def books(catalog: Tables) -> TableBooks:
    names = {name: catalog.names[name] for name in TableNames.__dataclass_fields__}
    return TableBooks(catalog.client, TableNames(**names), Clock())


def test_the_books_are_written_all_or_nothing_and_each_version_once(books: TableBooks) -> None:
    books.commit(entities.order(), entities.account(), entities.position(), entities.fill())
    assert books.order("ord_1") == entities.order().saved()
    assert books.account("alice") == entities.account().saved()
    assert books.position("alice", "AAPL") == entities.position().saved()
    with pytest.raises(StaleError):
        books.commit(entities.order().saved(), entities.account().saved(), entities.fill())
    books.commit(entities.order().saved(), entities.account().saved(), entities.novation())
    with pytest.raises(StaleError):
        books.commit(entities.order().saved())
    assert books.entries(["trd_1", "trd_2"]) == [entities.fill(), entities.novation()]


def test_entries_of_more_trades_than_a_batch_takes(books: TableBooks) -> None:
    ids = [f"trd_{number:02}" for number in range(30)]
    for trade_id in ids:
        books.commit(entities.fill(trade_id))
    assert [entry.trade_id for entry in books.entries(ids[::-1])] == ids[::-1]


def test_what_is_due_is_found_and_discharged_once(books: TableBooks) -> None:
    monday, tuesday = date(2026, 1, 5), date(2026, 1, 6)
    for number, (client, day) in enumerate(
        [("alice", tuesday), ("alice", monday), ("bob", tuesday), ("carol", tuesday)]
    ):
        books.commit(entities.obligation(f"trd_{number}", client_id=client, settlement_date=day))
    assert [owed.trade_id for owed in books.obligations("alice", monday)] == ["trd_1"]
    assert [owed.trade_id for owed in books.obligations("alice", tuesday)] == ["trd_1", "trd_0"]
    assert [owed.trade_id for owed in books.obligations_in("alice", tuesday, "AAPL")] == ["trd_0"]
    page, end = books.clients_due(monday, tuesday, None, 2)
    last, none = books.clients_due(monday, tuesday, end, 2)
    assert (len(page), none) == (2, None)
    assert {*page, *last} == {"alice", "bob", "carol"}
    assert books.number_due(monday, tuesday) == 4
    assert books.due_since(monday, tuesday) == monday
    (owed,) = books.obligations_in("alice", tuesday, "AAPL")
    books.commit(Discharged(obligation=owed))
    with pytest.raises(StaleError):
        books.commit(Discharged(obligation=owed))
    assert sorted(books.clients_due(tuesday, tuesday, None, 9)[0]) == ["bob", "carol"]


def open_orders(books: TableBooks, limit: int) -> list[str]:
    """Everything in the attention index, read in pages of this size."""
    found: list[str] = []
    for shard in books.attention_shards():
        after: str | None = None
        while True:
            page, after = books.orders_in(shard, after, limit)
            found += page
            if after is None:
                break
    return found


def test_orders_wait_for_attention_until_they_are_at_rest(books: TableBooks) -> None:
    for number in range(8):
        books.commit(
            entities.order(f"ord_{number}", attention_at=entities.NOW + timedelta(seconds=number))
        )
    assert sorted(books.orders_due(entities.NOW + timedelta(seconds=3), 500)) == [
        f"ord_{number}" for number in range(4)
    ]
    read = books.order("ord_0")
    assert read
    books.postpone(read, entities.NOW + timedelta(minutes=1))
    assert sorted(books.orders_due(entities.NOW + timedelta(seconds=3), 500)) == [
        "ord_1",
        "ord_2",
        "ord_3",
    ]
    books.commit(read.at_rest())
    books.postpone(read, entities.NOW)
    assert open_orders(books, 1) == open_orders(books, 9)
    assert sorted(open_orders(books, 2)) == [f"ord_{number}" for number in range(1, 8)]


def test_the_reconciliation_reads_everything(books: TableBooks, catalog: Tables) -> None:
    books.commit(
        entities.order(),
        entities.account(),
        entities.position(),
        entities.fill(),
        entities.obligation(),
    )
    names = {name: catalog.names[name] for name in ("accounts", "orders", "ledger")}
    pages = list(TableReader(catalog.client, **names).pages(consistent=True))
    assert {page.table: page.items for page in pages} == {"accounts": 3, "orders": 1, "ledger": 1}
    assert all(page.read_units > 0 for page in pages)


def test_a_rate_is_limited_in_each_window(catalog: Tables) -> None:
    clock = Clock()
    throttle = Throttle(catalog.client, catalog.names["control"], clock, limit=2, window_seconds=60)

    def take(key: str) -> tuple[bool, int]:
        allowance = throttle.take(key, 0)
        assert allowance
        return allowance.granted, allowance.remaining

    assert [take("a"), take("a"), take("a"), take("b")] == [
        (True, 1),
        (True, 0),
        (False, 0),
        (True, 1),
    ]
    clock.forward(seconds=60)
    assert take("a") == (True, 1)


def test_failed_logins_are_counted_and_forgotten(catalog: Tables) -> None:
    clock = Clock()
    credentials, clients, control = (
        catalog.names[name] for name in ("credentials", "clients", "control")
    )
    log_in = LogIn(
        TableCredentials(catalog.client, credentials, CLIENT_AUDIENCE),
        TableClients(catalog.client, clients),
        TableLoginFailures(catalog.client, control, clock),
        lambda secret, hashes: False,
        clock,
    )
    for _ in range(5):
        with pytest.raises(InvalidCredentialsError):
            log_in("key", "wrong", "192.0.2.1")
    with pytest.raises(LoginLockedError):
        log_in("key", "wrong", "192.0.2.1")
    clock.forward(seconds=11)
    with pytest.raises(InvalidCredentialsError):
        log_in("key", "wrong", "192.0.2.1")


def test_an_idempotency_record_is_taken_once(catalog: Tables) -> None:
    def records() -> DynamoDBPersistenceLayer:
        layer = DynamoDBPersistenceLayer(
            catalog.names["idempotency"],
            key_attr="id",
            expiry_attr="expiration",
            boto3_client=catalog.client,
        )
        layer.configure(IdempotencyConfig(payload_validation_jmespath="body"), "orders")
        return layer

    request = {"key": "k", "body": {"quantity": 1}}
    records().save_inprogress(request, remaining_time_in_millis=60_000)
    with pytest.raises(IdempotencyItemAlreadyExistsError) as taken:
        records().save_inprogress(request, remaining_time_in_millis=60_000)
    assert taken.value.old_data_record
    assert taken.value.old_data_record.status == "INPROGRESS"
    records().save_success(request, {"order_id": "ord_1"})
    with pytest.raises(IdempotencyItemAlreadyExistsError) as done:
        records().save_inprogress(request, remaining_time_in_millis=60_000)
    assert done.value.old_data_record
    assert done.value.old_data_record.response_json_as_dict() == {"order_id": "ord_1"}
    records().delete_record(request, ValueError())
    with pytest.raises(IdempotencyItemNotFoundError):
        records().get_record(request)
    records().save_inprogress(request, remaining_time_in_millis=-1000)
    records().save_inprogress(request, remaining_time_in_millis=60_000)


def test_one_worker_probes_an_open_circuit(catalog: Tables) -> None:
    def worker() -> Any:
        store = circuit_store(catalog.client, catalog.names["control"])
        store.configure(BREAKER, "CIRCUIT#XNYS")
        return store

    def state() -> CircuitState:
        found: CircuitState = worker().get_state("CIRCUIT#XNYS").state
        return found

    assert state() is CircuitState.CLOSED
    worker().save_open("CIRCUIT#XNYS", 3, 1_000)
    assert state() is CircuitState.OPEN
    assert not worker().try_acquire_half_open("CIRCUIT#XNYS", "late", 999)
    assert worker().try_acquire_half_open("CIRCUIT#XNYS", "first", 1_000)
    assert not worker().try_acquire_half_open("CIRCUIT#XNYS", "second", 1_000)
    worker().save_reopen("CIRCUIT#XNYS", 2_000)
    assert state() is CircuitState.OPEN
    assert worker().try_acquire_half_open("CIRCUIT#XNYS", "second", 2_000)
    worker().save_closed("CIRCUIT#XNYS")
    assert state() is CircuitState.CLOSED


def test_an_outage_keeps_what_opened_it(catalog: Tables) -> None:
    control = catalog.names["control"]

    def record(
        before: CircuitState, after: CircuitState, cause: str, second: int
    ) -> circuit.Outage | None:
        transition = CircuitTransition("CIRCUIT#XNYS", before, after)
        now = datetime(2026, 1, 5, 15, 0, second, tzinfo=UTC)
        circuit.record(catalog.client, control, "XNYS", transition, cause, 3, now)
        name = circuit.outage_name("XNYS")
        return circuit.outage_of(circuit.control_items(catalog.client, control, [name])[name])

    opened = record(CircuitState.CLOSED, CircuitState.OPEN, "timed out", 1)
    assert opened
    assert (opened.cause, opened.failures, opened.closed_at) == ("timed out", 3, None)
    probed = record(CircuitState.HALF_OPEN, CircuitState.OPEN, "still down", 2)
    assert probed
    assert (probed.cause, probed.failures, probed.last_error) == ("timed out", 4, "still down")
    closed = record(CircuitState.HALF_OPEN, CircuitState.CLOSED, "", 3)
    assert closed
    assert closed.closed_at
    again = record(CircuitState.CLOSED, CircuitState.OPEN, "refused", 4)
    assert again
    assert (again.cause, again.failures, again.closed_at) == ("refused", 3, None)


def test_execution_quality_is_shared(catalog: Tables) -> None:
    clock = Clock()
    venue = Exchange(exchange_id="XNYS", name="XNYS", fee_per_share="0.0030")

    def worker() -> TableVenueHealth:
        return TableVenueHealth(catalog.client, catalog.names["control"], lambda: [venue], clock)

    unknown = worker().scores()["XNYS"]
    for _ in range(2):
        observer = worker()
        clock.forward(seconds=5)
        observer.observe("XNYS", Decimal(0))
    assert worker().scores()["XNYS"] < unknown
    assert worker().suspended() == frozenset()


def test_last_prices_are_shared(catalog: Tables) -> None:
    clock = Clock()
    for symbol in ("AAPL", "MSFT"):
        TableLastPrices(catalog.client, catalog.names["control"], clock).observe(
            symbol, Decimal("1.0001"), clock(), "trd_1"
        )
    last = TableLastPrices(catalog.client, catalog.names["control"], clock).latest(
        ["AAPL", "MSFT", "NVDA"]
    )
    assert {symbol: (known.price, known.time) for symbol, known in last.items()} == {
        symbol: (Decimal("1.0001"), clock()) for symbol in ("AAPL", "MSFT")
    }


def conflicts(call: Callable[..., None], *arguments: Any) -> bool:
    """Whether the item existed before."""
    try:
        call(*arguments)
    except ConflictError:
        return True
    return False


def test_the_exchanges_keep_their_orders(venues: Tables) -> None:
    store = ExchangeStore(Table(venues.client, venues.names["exchange-books"]))
    booked = booked_order()
    assert [conflicts(store.open, booked, NOW) for _ in range(2)] == [False, True]
    assert conflicts(store.save_tombstone, Tombstone(exchange_id="XNYS", client_order_id="ord_1-1"))
    store.save_tombstone(Tombstone(exchange_id="XNYS", client_order_id="ord_2-1"))
    assert isinstance(store.load("XNYS", "ord_2-1"), Tombstone)
    assert store.load("XNYS", "ord_3-1") is None
    outcome = exchange.match(booked, QUOTE, FAULTLESS, DICE, NOW)
    assert outcome
    dispatches = schedule(outcome, FAULTLESS, DICE, NOW)
    minute = minute_of(NOW)
    assert [
        conflicts(store.commit, booked, outcome, dispatches, minute, 1000) for _ in range(2)
    ] == [False, True]
    assert store.load("XNYS", "ord_1-1") == OrderRecord(outcome.booked, dispatches)
    assert store.consumed("AAPL", minute)["XNYS"].bought == outcome.taken
    assert conflicts(store.replace, booked, exchange.cancel(booked))
    answered = dispatches[0].after_attempt(True, NOW)
    assert [conflicts(store.save_dispatch, booked, answered) for _ in range(2)] == [False, True]
    assert store.due_work("XNYS", NOW) == ["ord_1-1"]
    assert store.due_work("XNYS", NOW - timedelta(seconds=1)) == []
    store.postpone_work(booked, NOW + timedelta(minutes=1))
    assert store.due_work("XNYS", NOW) == []
    store.finish_work(booked)
    assert conflicts(store.postpone_work, booked, NOW)


def test_the_depository_keeps_its_instructions_and_balances(venues: Tables) -> None:
    store = DepositoryStore(Table(venues.client, venues.names["depository-books"]))
    day = date(2026, 1, 6)
    for number in range(5):
        instruction = SettlementInstruction(
            instruction_id=f"ins-{number}",
            settlement_account="OMNIBUS-1",
            counterparty="CCP",
            direction=DeliveryDirection.RECEIVE,
            symbol="AAPL",
            quantity=10,
            amount=Decimal("2285.05"),
            currency="USD",
            settlement_date=day,
        )
        confirmation = depository.confirm(
            instruction, DepositoryBehaviour(fail_rate=Decimal(0)), DICE, NOW
        )
        assert confirmation.status is ConfirmationStatus.SETTLED
        answered = AnsweredInstruction(instruction, confirmation)
        booked = [
            conflicts(store.record, answered, depository.movements(instruction)) for _ in range(2)
        ]
        assert booked == [False, True]
        assert store.load(f"ins-{number}") == answered
    assert store.load("ins-9") is None
    assert store.balance("OMNIBUS-1", "AAPL") == 50
    assert store.balance("CCP", "USD") == Decimal("11425.25")
    first, after = store.confirmations(day, None, 3)
    second, end = store.confirmations(day, after, 3)
    assert [each.instruction_id for each in (*first, *second)] == [
        f"ins-{number}" for number in range(5)
    ]
    assert end is None
