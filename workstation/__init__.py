"""Code that the programs on a workstation share: the local system's address, profiles, output.

`local` sets the system up, `ops` operates it, `cli` trades on it. None of the three imports
another.
"""

import sys
from pathlib import Path

# Lambda puts the layers on the path of a function. This does the same on a workstation.
_LAYERS = Path(__file__).resolve().parent.parent / "layers"
sys.path[:0] = [str(_LAYERS / name / "python") for name in ("trading", "simulators")]
