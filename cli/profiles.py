"""Profiles: where an API is, and who asks. The user's own file, and those that a deployment's demo
clients came with.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from cli.failures import Exit, Failure
from cli.files import read_private, write_private
from local.place import ROOT, default_place

DEMO = "local"
"""The profile of a new user: the first demo client of the local system."""


def _address(url: str) -> str:
    """Secrets travel encrypted, or stay on this machine. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is not the address of an API")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ValueError(f"{url}: only https, for the secret would be sent in clear")
    return url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Address = Annotated[str, AfterValidator(_address)]


class Profile(BaseModel):
    """`url` is the public API's, `admin_url` the internal API's. Without `api_secret` it is asked
    for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Address
    api_key: str
    api_secret: str | None = None
    client_id: str | None = None
    admin_url: Address | None = None


class Profiles(BaseModel):
    """A file of profiles. `current`: which one is used if none is named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: str | None = None
    profiles: dict[str, Profile] = {}

    @classmethod
    def read(cls, path: Path) -> "Profiles":
        """What is in the file; empty without one. Raises Failure."""
        content = read_private(path)
        if content is None:
            return cls()
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise Failure.here(
                Exit.CONFIGURATION,
                "PROFILES_NOT_VALID",
                f"{path} is no file of profiles: {_first(error)}",
            ) from error

    def write(self, path: Path) -> None:
        """Mode 0600. Raises Failure."""
        write_private(path, self.model_dump_json(indent=2, exclude_none=True).encode() + b"\n")


def own_file() -> Path:
    """The user's file, in the XDG configuration directory."""
    return (
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        / "trading"
        / "profiles.json"
    )


def demo_files() -> list[Path]:
    """What seeding the local system, or a deployment on AWS, has written."""
    return [default_place().profiles_file, *sorted((ROOT / ".local").glob("aws-*/profiles.json"))]


def known() -> dict[str, tuple[Profile, Path]]:
    """All profiles by name, and where each is from. The user's own come first. Raises Failure."""
    found: dict[str, tuple[Profile, Path]] = {}
    for path in (own_file(), *demo_files()):
        for name, profile in Profiles.read(path).profiles.items():
            found.setdefault(name, (profile, path))
    return found


def current(name: str | None) -> str | None:
    """The profile that is used: the named one, the user's choice, or the local system's if it is
    there.
    """
    return name or Profiles.read(own_file()).current or (DEMO if DEMO in known() else None)


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
        raise Failure.here(Exit.CONFIGURATION, "PROFILE_NOT_VALID", _first(error)) from error


def _first(error: ValidationError) -> str:
    found = error.errors(include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg'].removeprefix('Value error, ')}"
