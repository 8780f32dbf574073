"""The monthly cost of the system without trading: the resources in the templates and the runs of
the schedules.
"""

import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.catalog.functions import SIMULATORS
from infra.catalog.names import MAILBOXES, PACKAGE_LAYERS
from tests.benchmarks import prices
from tests.benchmarks.lifecycle import Lifecycle
from tests.benchmarks.measure import bill
from tests.benchmarks.prices import PRICE, Billed
from tests.benchmarks.world import running_world
from trading.domain.reference import calendars

MINUTES = 60 * prices.HOURS
BUSINESS_DAYS = 21
POLLERS = 5
LONG_POLLS_A_MINUTE = 3
"""Lambda keeps five pollers on an idle queue, each of which waits up to 20 seconds. This is an
estimate from the documented minimum.
"""
CYCLE_TRANSITIONS = 21
"""A page, four looks and a page of the comparison, once each evening. The second start finds
nothing due.
"""


@dataclass(frozen=True)
class Fixed:
    """A cost line: the number of resources, and USD a month for all of them."""

    what: str
    count: float
    usd: float
    simulated: bool = False


def monthly(metrics: int) -> list[Fixed]:
    """The cost lines. `metrics` is the number of custom metrics that an order emits."""
    found = resources()
    schedules = found["AWS::Scheduler::Schedule"]
    lines = [
        Fixed(
            "Secrets Manager secrets",
            (n := found["AWS::SecretsManager::Secret"]),
            n * prices.SECRET,
        ),
        Fixed("CloudWatch alarms", (n := found["AWS::CloudWatch::Alarm"]), n * prices.ALARM),
        Fixed(
            "KMS keys (tokens, second factors, alarm topic)",
            (n := found["AWS::KMS::Key"]),
            n * prices.CUSTOMER_KEY,
        ),
        Fixed(
            "custom metrics of the code, while orders flow", metrics, metrics * prices.CUSTOM_METRIC
        ),
        Fixed(
            "SQS: event sources polling idle queues (estimate)",
            (n := POLLERS * LONG_POLLS_A_MINUTE * MINUTES) * (len(MAILBOXES) + 1),
            n * len(MAILBOXES) * PRICE[Billed.QUEUE_REQUESTS]
            + n * PRICE[Billed.STANDARD_QUEUE_REQUESTS],
        ),
        Fixed(
            "EventBridge Scheduler: schedules", schedules, 2 * MINUTES * prices.SCHEDULED_INVOCATION
        ),
    ]
    return [*lines, *scheduled_runs()]


def resources() -> Counter[str]:
    """The number of resources of each type in the development stage."""
    # The import of aws_cdk starts the jsii kernel with the first `node` on the path.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    from aws_cdk import App

    from infra.app import build
    from infra.stage import ROOT
    from infra.synthesized import Synthesized

    with tempfile.TemporaryDirectory() as directory:
        layers = Path(directory) / "layers"
        for name in PACKAGE_LAYERS:
            python = layers / "aws" / name / "python"
            python.mkdir(parents=True)
            (python / f"{name}.py").touch()
        context = json.loads((ROOT / "cdk.json").read_text())["context"]
        app = App(
            context={**context, "layers_dir": str(layers)}, outdir=str(Path(directory) / "out")
        )
        build(app)
        app.synth()
        return Counter(resource.type for resource in Synthesized(Path(directory) / "out"))


def scheduled_runs() -> list[Fixed]:
    """The invocations by schedules, on a system without orders."""
    with running_world() as world:
        life = Lifecycle(world)
        cycle = {
            "settlement_date": calendars.settlement_date(
                calendars.business_date(world.clock()), 1
            ).isoformat()
        }
        runs: dict[str, tuple[str, dict[str, Any], int]] = {
            "sweeper, every minute": ("sweeper", {}, MINUTES),
            "settlement plan, every weekday": (
                "settlement_plan",
                {"step": "plan", "correlation_id": "bench", "request": cycle},
                BUSINESS_DAYS,
            ),
            "reconciliation, every weekday": ("settlement_reconcile", cycle, BUSINESS_DAYS),
            "exchange session, every minute": ("exchange_matching", {"kind": "session"}, MINUTES),
        }
        lines = []
        for what, (function, event, times) in runs.items():
            life.tick(function, event)
            world.clock.forward(61)
            world.meter.take()
            life.tick(function, event)
            costs = bill(world.meter.take())
            usd = times * sum(costs.values())
            lines.append(Fixed(what, times, usd, function in SIMULATORS))
    transitions = BUSINESS_DAYS * CYCLE_TRANSITIONS
    lines.append(
        Fixed("settlement cycle: transitions", transitions, transitions * PRICE[Billed.TRANSITIONS])
    )
    return lines
