"""The whole system on this machine: a local AWS, the real deployment, a trading session."""

import sys
from pathlib import Path

# What the layers are to Lambda, this is to us: the shared packages, importable without an
# installation.
_LAYERS = Path(__file__).resolve().parent.parent / "layers"
sys.path[:0] = [str(_LAYERS / name / "python") for name in ("trading", "simulators")]
