from collections.abc import Iterator

import pytest

from tests.integration.system import System, running_system


@pytest.fixture
def system() -> Iterator[System]:
    """The whole system with faultless venues, funded demo clients, and a clock that the test moves (`system.venues`)."""
    with running_system() as system:
        yield system
