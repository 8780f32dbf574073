"""The CDK app: what is deployed, to AWS and to the local AWS alike."""

import sys
from pathlib import Path

# The stacks read the functions' settings and a few constants of the domain.
_LAYERS = Path(__file__).resolve().parent.parent / "layers"
sys.path[:0] = [str(_LAYERS / name / "python") for name in ("trading", "simulators")]
