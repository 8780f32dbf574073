from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.integration.backing import ENVIRONMENT, create_tables
from tests.integration.trading.books import table_books
from tests.unit.api.clock import Clock
from trading.adapters.tables import TableBooks


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
