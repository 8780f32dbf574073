"""Nothing accepted is lost when a quota is used up for ten minutes of trading.

Each service throttles every call, or Lambda invokes nothing. Only that goes wrong. All invariants
of the simulation are checked: every accepted order ends, each execution is booked, and all settles.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pytest

from tests.simulation.campaign import in_process, pool
from tests.simulation.faults import CALM
from tests.simulation.generation import generate
from tests.simulation.outages import EXHAUSTED
from tests.simulation.simulation import Result

SERVICES = ("dynamodb", "sqs", "stepfunctions", "kms", "secretsmanager", "lambda")
SEEDS, ORDERS = (2, 4, 6), 15
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def process() -> Iterator[ProcessPoolExecutor]:
    with pool(1) as processes:
        yield processes


def _played(seed: int, service: str) -> Result:
    return in_process(replace(generate(seed, ORDERS, CALM), exhausted=service))


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_accepted_is_lost_while_a_quota_is_used_up(
    process: ProcessPoolExecutor, service: str
) -> None:
    results: list[Result] = [process.submit(_played, seed, service).result() for seed in SEEDS]
    for seed, result in zip(SEEDS, results, strict=True):
        assert result.passed, f"seed {seed}: {result.rule}: {result.violation}"
        assert result.statuses["SETTLED"] > 0
    assert sum(result.faults.get(EXHAUSTED, 0) for result in results) > 0, "nobody met the quota"
