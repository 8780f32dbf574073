"""The profiles that a user has: in the own file, and those of a deployment's demo clients."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from cli.failures import Exit, Failure
from cli.files import file_errors_as_failures
from workstation import profile_files
from workstation.private_files import read_private
from workstation.profile_files import own_file
from workstation.profiles import Profile, Profiles, first_error

DEMO = "local"
"""The profile of a user without any: the first demo client of the local system."""


def read(path: Path) -> Profiles:
    """Read a file; no profiles if it is missing. Raises Failure."""
    with file_errors_as_failures():
        return Profiles.read(path)


def write(path: Path, profiles: Profiles) -> None:
    """Replace the file. Raises Failure."""
    with file_errors_as_failures():
        profiles.write(path)


def known() -> dict[str, tuple[Profile, Path]]:
    """Return all profiles and their files by name. The user's own win. Raises Failure."""
    with file_errors_as_failures():
        return profile_files.known()


def current(name: str | None) -> str | None:
    """Return the profile in use: the named one, the user's choice, or the local system's."""
    return name or read(own_file()).current or (DEMO if DEMO in known() else None)


def chosen(name: str | None, environment: Mapping[str, str] = os.environ) -> Profile:
    """Return the profile to use. Environment variables override its fields. Raises Failure."""
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
            "Start the local system (make run), add a profile (trading profile add), or set "
            "TRADING_URL and TRADING_API_KEY.",
        )
    return profile(base | given)


def private_key(path: Path) -> str:
    """Read a private key in PEM. Raises Failure unless it is one of Ed25519, for its owner only."""
    # Other commands start faster without this import.
    from trading.adapters.identity.signature_keys import read_private_key

    with file_errors_as_failures():
        content = read_private(path)
    try:
        pem = (content or b"").decode()
        read_private_key(pem)
    except ValueError as error:
        raise Failure.here(
            Exit.CONFIGURATION,
            "PRIVATE_KEY_NOT_VALID",
            f"{path} is not a private key of Ed25519 in PEM without a passphrase.",
        ) from error
    return pem


def profile(fields: Mapping[str, str | None]) -> Profile:
    """Make a profile. Raises Failure."""
    try:
        return Profile.model_validate(fields)
    except ValidationError as error:
        raise Failure.here(Exit.CONFIGURATION, "PROFILE_NOT_VALID", first_error(error)) from error
