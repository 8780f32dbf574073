"""The documentation site: what is rendered from the code, and the checks on what is built."""

import sys
from pathlib import Path

# The shared packages, importable without an installation, as the layers are in Lambda.
_LAYERS = Path(__file__).resolve().parent.parent / "layers"
sys.path[:0] = [str(_LAYERS / name / "python") for name in ("trading", "simulators")]
