"""A short run of `make conformance`: our APIs answer as their documents say."""

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
    """A client for this run alone, and the orders it may ask about."""
    return create(system)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_answer_is_documented(world: World, document: str) -> None:
    assert conform(world, document, SHORT).returncode == 0
