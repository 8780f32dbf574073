from collections.abc import Iterator

import pytest

from tests.integration.simulators.world import World, running_world


@pytest.fixture
def world() -> Iterator[World]:
    """The venues, as on the local AWS: callbacks may go over plain HTTP."""
    with running_world() as world:
        yield world
