"""Profiles: where an API is, and who asks. The user's own file, and those that a deployment's demo
clients came with.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from cli.failures import Exit, Failure
from cli.files import file_errors_as_failures
from workstation.local_system import ROOT, default_system
from workstation.profiles import Profile, Profiles, first_error

DEMO = "local"
"""The profile of a new user: the first demo client of the local system."""


def own_file() -> Path:
    """The user's file, in the XDG configuration directory."""
    return (
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        / "trading"
        / "profiles.json"
    )


def read(path: Path) -> Profiles:
    """What is in the file; empty without one. Raises Failure."""
    with file_errors_as_failures():
        return Profiles.read(path)


def write(path: Path, profiles: Profiles) -> None:
    """Replace the file. Raises Failure."""
    with file_errors_as_failures():
        profiles.write(path)


def demo_files() -> list[Path]:
    """What seeding the local system, or a deployment on AWS, has written."""
    return [default_system().profiles_file, *sorted((ROOT / ".local").glob("aws-*/profiles.json"))]


def known() -> dict[str, tuple[Profile, Path]]:
    """All profiles by name, and where each is from. The user's own come first. Raises Failure."""
    found: dict[str, tuple[Profile, Path]] = {}
    for path in (own_file(), *demo_files()):
        for name, profile in read(path).profiles.items():
            found.setdefault(name, (profile, path))
    return found


def current(name: str | None) -> str | None:
    """The profile that is used: the named one, the user's choice, or the local system's if it is
    there.
    """
    return name or read(own_file()).current or (DEMO if DEMO in known() else None)


def chosen(name: str | None, environment: Mapping[str, str] = os.environ) -> Profile:
    """The profile to use, with what the environment says in its place. Raises Failure."""
    given = {
        field: value
        for field in Profile.model_fields
        if (
            value := environment.get(
                "TRADING_URL" if field == "url" else f"TRADING_{field.upper()}"
            )
        )
    }
    used = current(name)
    if used is not None and used not in known():
        raise Failure.here(
            Exit.CONFIGURATION,
            "NO_SUCH_PROFILE",
            f"There is no profile {used}. See: trading profile list",
        )
    base = known()[used][0].model_dump() if used else {}
    if not base and not {"url", "api_key"} <= given.keys():
        raise Failure.here(
            Exit.CONFIGURATION,
            "NO_PROFILE",
            "Start the local system (make run), add a profile (trading profile add), or set TRADING_URL and TRADING_API_KEY.",
        )
    return profile(base | given)


def profile(fields: Mapping[str, str | None]) -> Profile:
    """A profile of these fields. Raises Failure."""
    try:
        return Profile.model_validate(fields)
    except ValidationError as error:
        raise Failure.here(Exit.CONFIGURATION, "PROFILE_NOT_VALID", first_error(error)) from error
