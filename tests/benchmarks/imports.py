"""The time that a cold start spends on importing a handler, compared with the imports that every
handler needs.
"""

import os
import subprocess
import sys
from pathlib import Path

from infra.catalog.functions import FUNCTIONS
from infra.catalog.names import MAILBOXES
from infra.catalog.tables import TABLES
from tests.benchmarks.world import CONSTANT_ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
FLOOR = "import boto3, aws_lambda_powertools"
WITHOUT_SIGNATURES = "import sys; sys.modules['cryptography'] = None; "
"""Most functions do not have the layer with this package. PyJWT imports it where it finds it."""
BEST_OF = 3


def measure() -> dict[str, float]:
    """Seconds by function. The floor comes first."""
    statements = {"the floor: boto3 and Powertools": FLOOR}
    statements |= {
        name: f"{'' if spec.signatures else WITHOUT_SIGNATURES}import functions.{name}.handler"
        for name, spec in FUNCTIONS.items()
    }
    # The measurement goes in rounds, so that a disturbance does not hit all tries of one function.
    rounds = [
        {name: _seconds(statement) for name, statement in statements.items()}
        for _ in range(BEST_OF)
    ]
    return {name: min(each[name] for each in rounds) for name in statements}


def _seconds(statement: str) -> float:
    script = (
        f"import time; began = time.perf_counter(); {statement}; print(time.perf_counter() - began)"
    )
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, cwd=ROOT
    )
    if ran.returncode:
        raise RuntimeError(f"{statement} failed:\n{ran.stderr}")
    return float(ran.stdout.splitlines()[-1])


def environment() -> dict[str, str]:
    """The environment in which any handler can be imported."""
    layers = [str(ROOT / "layers" / name / "python") for name in ("trading", "simulators")]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
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
        "SIGNING_KEYS": "{}",
        "TOKEN_AUDIENCE": "unused",
        "VENUE_SECRET_PREFIX": "venue-",
        "EXCHANGE_IDS": "XNYS",
    }
