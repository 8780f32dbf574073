"""What both APIs answer is what their documents say: a short run of `make conformance`."""

import pytest

from tests.conformance.run import DOCUMENTS, conform
from tests.conformance.world import World, create
from workstation.local_system import LocalSystem

pytestmark = pytest.mark.timeout(900)

SHORT = (
    "--phases",
    "fuzzing,stateful",
    "--max-examples",
    "3",
    "--generation-deterministic",
    "--no-shrink",
)


@pytest.fixture(scope="module")
def world(system: LocalSystem) -> World:
    """A client of the run's own, and what it may ask about."""
    return create(system)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_answer_is_documented(world: World, document: str) -> None:
    assert conform(world, document, SHORT).returncode == 0
