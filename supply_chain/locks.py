"""The locked packages: what runs in Lambda, and the tools."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LAMBDA_LOCK = ROOT / "layers" / "dependencies" / "requirements.lock"
TOOLS_LOCK = ROOT / "requirements" / "dev.lock"
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Package:
    """A package at the version that a lock pins."""

    name: NormalizedName
    version: Version


def packages(lock: Path) -> list[Package]:
    """Every package that a lock pins. A package may stand twice, for two versions of Python."""
    return [
        Package(canonicalize_name(name), Version(version))
        for name, version in _PIN.findall(lock.read_text())
    ]
