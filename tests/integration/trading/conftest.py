from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import base as breaker
from moto import mock_aws

from tests.fakes.clock import Clock
from tests.integration.backing import ENVIRONMENT, PREFIX, create_tables
from tests.integration.trading.books import table_books
from tests.integration.trading.venue import Venue
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.venues.exchanges import HttpExchanges, circuit_store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of the mocked DynamoDB with the catalog's tables."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield create_tables()


@pytest.fixture
def books(dynamodb: Any, clock: Clock) -> TableBooks:
    return table_books(dynamodb, clock)


@pytest.fixture
def venue(clock: Clock) -> Iterator[Venue]:
    """A venue on 127.0.0.1."""
    venue = Venue(clock)
    yield venue
    venue.server.close()


@pytest.fixture
def exchanges(venue: Venue, dynamodb: Any) -> HttpExchanges:
    """The exchanges as a worker that starts cold has them: no failures counted and no circuit
    known.
    """
    for counters in (
        breaker._LOCAL_FAILURES,
        breaker._LOCAL_SUCCESSES,
        breaker._LAST_OBSERVED_STATE,
    ):
        counters.clear()
    return HttpExchanges(venue.http(), circuit_store(dynamodb, f"{PREFIX}control"), "XNYS")
