"""Deliberate bugs are found.

First the recorded run is played. If other changes of the code have altered that run, other seeds
are tried.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.simulation.bugs import BUGS
from tests.simulation.bugs.patching import Bug, Edit, function_of, in_place
from tests.simulation.campaign import pool
from tests.simulation.catalogue import recorded, search

OTHER_SEEDS, ORDERS = range(1, 21), 50
RUNS = recorded()
"""Runs for the bugs that nearly any run finds. `python -m tests.simulation bugs` plays all bugs."""
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def process() -> Iterator[ProcessPoolExecutor]:
    with pool(1) as processes:
        yield processes


@pytest.mark.parametrize("name", RUNS)
def test_a_deliberate_bug_breaks_an_invariant(process: ProcessPoolExecutor, name: str) -> None:
    run = RUNS[name]
    found = process.submit(search, name, run.orders, [run.seed]).result()
    found = found or process.submit(search, name, ORDERS, OTHER_SEEDS).result()
    assert found is not None, f"nothing broke: python -m tests.simulation bugs --record {name!r}"


@pytest.mark.parametrize("bug", BUGS.values(), ids=lambda bug: bug.name)
def test_an_edit_fits_the_code_and_is_taken_back(bug: Bug) -> None:
    edited = [
        change.of
        for change in bug.changes
        if isinstance(change, Edit) and not isinstance(change.of, str)
    ]
    before = [function_of(of).__code__ for of in edited]
    with in_place(bug.changes):
        assert all(
            function_of(of).__code__ is not code for of, code in zip(edited, before, strict=True)
        )
    assert [function_of(of).__code__ for of in edited] == before
