from collections.abc import Iterator

import pytest

from tests.integration.simulators.world import World, running_world


@pytest.fixture
def world() -> Iterator[World]:
    """The venues on the local AWS, where callbacks may use plain HTTP."""
    with running_world() as world:
        yield world
