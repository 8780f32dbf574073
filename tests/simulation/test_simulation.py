"""The simulation itself is deterministic, fails when something is broken, and shrinks failures."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.simulation.campaign import Report, campaign, in_process, pool, run_seed, shrink
from tests.simulation.faults import CALM
from tests.simulation.generation import generate
from tests.simulation.scenario import Scenario
from tests.simulation.simulation import Result

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def process() -> Iterator[ProcessPoolExecutor]:
    with pool(1) as processes:
        yield processes


def test_a_seed_is_played_the_same_in_another_process_and_after_other_runs(
    process: ProcessPoolExecutor,
) -> None:
    process.submit(run_seed, 1, 10).result()
    after_another: Report = process.submit(run_seed, 2, 10).result()
    with pool(1) as fresh:
        alone: Report = fresh.submit(run_seed, 2, 10).result()
    assert alone.digest == after_another.digest
    assert alone.steps > 1000


def test_another_seed_is_another_run(process: ProcessPoolExecutor) -> None:
    digests = {process.submit(run_seed, seed, 5).result().digest for seed in (3, 4)}
    assert len(digests) == 2


def _calm(seed: int, orders: int) -> Result:
    return in_process(generate(seed, orders, CALM))


def test_without_faults_every_order_comes_to_its_end(process: ProcessPoolExecutor) -> None:
    result: Result = process.submit(_calm, 5, 20).result()
    assert result.passed, result.violation
    assert result.statuses.keys() <= {"SETTLED", "REJECTED", "CANCELED", "EXPIRED"}
    assert result.statuses["SETTLED"] > 3


def test_what_fails_is_cut_down_to_what_matters(process: ProcessPoolExecutor) -> None:
    full = generate(1, 10)
    scenario: Scenario
    scenario, result = process.submit(shrink, 1, 10, "orders without their holds").result()
    assert result.rule is not None
    assert len(scenario.actions) < len(full.actions)
    assert len(scenario.rates.active()) < len(full.rates.active())


def test_a_campaign_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    first: list[Report] = []
    campaign([1], 3, 1, state, first.append)
    with state.open("a") as file:
        file.write('{"seed": 9, "torn')
    both: list[Report] = []
    campaign([1, 2], 3, 1, state, both.append)
    assert [report.seed for report in both] == [1, 2]
    assert both[0] == first[0]


def test_a_campaign_of_other_code_starts_over(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    state.write_text('{"code": "old", "orders": 3}\n{"seed": 1}\n')
    reports: list[Report] = []
    campaign([1], 3, 1, state, reports.append)
    assert [report.seed for report in reports] == [1]
    assert '"old"' not in state.read_text()
