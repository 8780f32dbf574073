"""The file format of profiles: where an API is, and the credentials that a program uses there."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from workstation.private_files import FileError, read_private, write_private


def _address(url: str) -> str:
    """Check that a secret sent to this address is encrypted or stays here. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is not the address of an API")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ValueError(f"{url}: use https, or the secret would be sent unencrypted")
    return url.rstrip("/")


def _stream_address(url: str) -> str:
    """Check that a token sent to this address is encrypted or stays here. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f"{url} is not the address of a stream")
    if parts.scheme == "ws" and not _is_this_machine(parts.hostname):
        raise ValueError(f"{url}: use wss, or the token would be sent unencrypted")
    return url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Address = Annotated[str, AfterValidator(_address)]
StreamAddress = Annotated[str, AfterValidator(_stream_address)]


class Profile(BaseModel):
    """`url`: the public API. `admin_url`: the internal API. `stream_url`: the stream of events.
    `api_secret`: None to ask the user.
    `private_key`: that of a program, in PEM. Its public key is registered for the API key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Address
    api_key: str
    api_secret: str | None = None
    client_id: str | None = None
    admin_url: Address | None = None
    stream_url: StreamAddress | None = None
    private_key: str | None = None


class Profiles(BaseModel):
    """The contents of a file. `current`: the profile to use if a command names none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: str | None = None
    profiles: dict[str, Profile] = {}

    def with_current(self, name: str) -> "Profiles":
        """Return these profiles with another current one."""
        return Profiles(current=name, profiles=self.profiles)

    @classmethod
    def read(cls, path: Path) -> "Profiles":
        """Read a file; no profiles if it is missing. Raises FileError."""
        content = read_private(path)
        if content is None:
            return cls()
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise FileError(
                "PROFILES_NOT_VALID", f"{path} is not a profile file: {first_error(error)}"
            ) from error

    def write(self, path: Path) -> None:
        """Replace the file, mode 0600. Raises FileError."""
        write_private(path, self.model_dump_json(indent=2, exclude_none=True).encode() + b"\n")


def first_error(error: ValidationError) -> str:
    """Format the first error without the value, which may be a secret."""
    found = error.errors(include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg'].removeprefix('Value error, ')}"
