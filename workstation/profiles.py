"""The file format of profiles: where an API is, and the credentials that a program uses there."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from workstation.private_files import FileError, read_private, write_private


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

    def with_current(self, name: str) -> "Profiles":
        """The same profiles, with this one in use."""
        return Profiles(current=name, profiles=self.profiles)

    @classmethod
    def read(cls, path: Path) -> "Profiles":
        """What is in the file; empty without one. Raises FileError."""
        content = read_private(path)
        if content is None:
            return cls()
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise FileError(
                "PROFILES_NOT_VALID", f"{path} is no file of profiles: {first_error(error)}"
            ) from error

    def write(self, path: Path) -> None:
        """Mode 0600. Raises FileError."""
        write_private(path, self.model_dump_json(indent=2, exclude_none=True).encode() + b"\n")


def first_error(error: ValidationError) -> str:
    """The first error, without the value: it may be a secret."""
    found = error.errors(include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg'].removeprefix('Value error, ')}"
