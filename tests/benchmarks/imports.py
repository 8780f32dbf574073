"""The time that a cold start spends on importing a handler, compared with the imports that every
handler needs.

Each import happens twice: with the bytecode that a deployment brings, and without any, as on a
machine that could not compile. The time is CPU time, so that other programs do not count.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from infra.catalog.functions import FUNCTIONS
from infra.catalog.names import MAILBOXES
from infra.catalog.tables import TABLES
from tests.benchmarks.world import CONSTANT_ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
FLOOR = "import boto3, aws_lambda_powertools"
WITHOUT_SIGNATURES = "import sys; sys.modules['cryptography'] = None; "
"""Most functions do not have the layer with this package. PyJWT imports it where it finds it."""
BEST_OF = 3


class Import(NamedTuple):
    """Seconds of an import, with bytecode and without."""

    compiled: float
    sources: float


def measure() -> dict[str, Import]:
    """The imports by function. The floor comes first."""
    statements = {"the floor: boto3 and Powertools": FLOOR}
    statements |= {
        name: f"{'' if spec.signatures else WITHOUT_SIGNATURES}import functions.{name}.handler"
        for name, spec in FUNCTIONS.items()
    }
    with tempfile.TemporaryDirectory() as bytecode, tempfile.TemporaryDirectory() as nothing:
        for statement in statements.values():
            _seconds(statement, {"PYTHONPYCACHEPREFIX": bytecode})
        kinds = (
            {"PYTHONPYCACHEPREFIX": bytecode},
            {"PYTHONPYCACHEPREFIX": nothing, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        # The measurement goes in rounds, so that a disturbance does not hit all tries of one.
        rounds = [
            {name: [_seconds(each, kind) for kind in kinds] for name, each in statements.items()}
            for _ in range(BEST_OF)
        ]
    return {
        name: Import(*map(min, zip(*(each[name] for each in rounds), strict=True)))
        for name in statements
    }


def _seconds(statement: str, settings: Mapping[str, str]) -> float:
    script = (
        f"import time; began = time.process_time(); {statement}; print(time.process_time() - began)"
    )
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        env={**environment(), **settings},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if ran.returncode:
        raise RuntimeError(f"{statement} failed:\n{ran.stderr}")
    return float(ran.stdout.splitlines()[-1])


def environment() -> dict[str, str]:
    """The environment in which any handler can be imported."""
    layers = [str(ROOT / "layers" / name / "python") for name in ("trading", "simulators")]
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {
        **inherited,
        **CONSTANT_ENVIRONMENT,
        "PYTHONPATH": os.pathsep.join([*layers, str(ROOT)]),
        **{
            f"{name.upper()}_TABLE": f"table-{name}" for name in (*TABLES, "exchange", "depository")
        },
        **{
            f"{name.upper()}_{kind}_URL": "http://queue"
            for name in MAILBOXES
            for kind in ("QUEUE", "DLQ")
        },
        "EVENT_BUS": "events",
        "EVENTS_QUEUE_URL": "http://queue",
        "EVENTS_DLQ_URL": "http://queue",
        "PUSH_FUNCTION": "push",
        "STREAM_API_ID": "unused",
        "STREAM_API_STAGE": "unused",
        "SIGNING_KEYS": "{}",
        "SECOND_FACTOR_KEY": "unused",
        "TOKEN_AUDIENCE": "unused",
        "VENUE_SECRET_PREFIX": "venue-",
        "EXCHANGE_IDS": "XNYS",
    }
