"""Where the profiles of a user are: in the own file, and in those of the demo clients."""

import os
from pathlib import Path

from workstation.local_system import ROOT, default_system
from workstation.profiles import Profile, Profiles


def own_file() -> Path:
    """Return the file of the user, in the XDG configuration directory."""
    return (
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        / "trading"
        / "profiles.json"
    )


def demo_files() -> list[Path]:
    """Return the files that seeding has written, of the local system and of deployments on AWS."""
    return [default_system().profiles_file, *sorted((ROOT / ".local").glob("aws-*/profiles.json"))]


def known() -> dict[str, tuple[Profile, Path]]:
    """Return all profiles and their files by name. The user's own win. Raises FileError."""
    found: dict[str, tuple[Profile, Path]] = {}
    for path in (own_file(), *demo_files()):
        for name, profile in Profiles.read(path).profiles.items():
            found.setdefault(name, (profile, path))
    return found
