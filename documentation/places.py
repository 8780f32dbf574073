"""Where things are in the repository."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BUILD = ROOT / "build"
SITE = BUILD / "docs"
BIN = Path(sys.executable).parent
