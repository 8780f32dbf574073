"""`make load` on a small scale: every request is accounted for, although workers die."""

import io
import json
import sys

import pytest
from rich.console import Console

from local.crash_points import INVOCATION, CrashPoint, Moment
from tests.load import figures
from tests.load.run import Settings, run
from tests.system.crashes import crashes
from workstation.local_system import LocalSystem

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the worker processes in /proc"),
]

SOON_HEALED = frozenset({"auth", "authorizer", "exchange-api", "exchange-matching", "orders"})
"""A caller of these functions repeats a failed call immediately. Other functions need a visibility
timeout after a death, which test_crashes waits for.
"""


CRASHES = (
    CrashPoint("auth", Moment.BEFORE, INVOCATION),
    CrashPoint("authorizer", Moment.AFTER, INVOCATION),
    CrashPoint("orders", Moment.AFTER, "TransactWriteItems"),
    CrashPoint("exchange-api", Moment.AFTER, "TransactWriteItems"),
    CrashPoint("exchange-matching", Moment.AFTER, "TransactWriteItems"),
)
"""These deaths are certain. The number of further deaths by the killer depends on the time."""


@pytest.mark.usefixtures("prompt_exchanges")
def test_under_load_and_fire_everything_is_accounted_for(system: LocalSystem) -> None:
    said = io.StringIO()
    settings = Settings(
        clients=10,
        orders=60,
        seed=1,
        run_id="test",
        kill_every=(0.3, 1.0),
        kill_on_for=5.0,
        may_die=SOON_HEALED,
    )
    with crashes(system, *CRASHES):
        outcome = run(system, settings, Console(file=said, width=200))
    assert outcome.complaints == [], said.getvalue()
    found = outcome.figures
    assert found.killed.keys() <= SOON_HEALED
    assert found.retries["429 RATE_LIMITED"] > 0
    assert found.retries["401 UNAUTHENTICATED"] > 0
    assert found.counts["orders accepted"] > 30
    assert found.counts["orders that ended as CLEARED"] > 20
    assert found.counts["planned requests"] == 60
    assert "placing orders: placed" in said.getvalue()
    for name in ("accepted to filled", "filled to cleared"):
        assert 0 < found.latencies[name].p50 <= found.latencies[name].maximum
    assert json.loads(json.dumps(found.json()))["ratios"][figures.FLOOR] == 1
    assert [grid.markdown() for grid in found.grids()]
