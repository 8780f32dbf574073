"""The documentation site: pages rendered from the code, and checks of the built site."""

import sys
from pathlib import Path

# The shared packages, importable without an installation, as the layers are in Lambda.
_LAYERS = Path(__file__).resolve().parent.parent / "layers"
sys.path[:0] = [str(_LAYERS / name / "python") for name in ("trading", "simulators")]
