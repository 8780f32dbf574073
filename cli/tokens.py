"""Access tokens that are kept from one command to the next."""

import hashlib
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ValidationError

from cli.files import file_errors_as_failures
from workstation.private_files import FileError, read_private, write_private
from workstation.profiles import Profile

MARGIN = timedelta(seconds=30)
"""Tokens that expire sooner are not used: a command may have to wait and retry."""


class Token(BaseModel):
    """An access token as the API issued it. signs: the API wants the client's orders signed."""

    jwt_token: str
    expiration: AwareDatetime
    signs: bool = False

    def that_signs(self) -> "Token":
        """The token of a client whose orders the API wants signed."""
        return Token(jwt_token=self.jwt_token, expiration=self.expiration, signs=True)


class TokenCache:
    """Keeps one file for each API key, mode 0600. A file that cannot be read counts as missing."""

    def __init__(self, directory: Path, now: Callable[[], datetime]) -> None:
        self._directory = directory
        self._now = now

    def load(self, profile: Profile) -> Token | None:
        """Return a token that is valid for a while, or None."""
        try:
            token = Token.model_validate_json(read_private(self._path(profile)) or b"")
        except (FileError, ValidationError):
            return None
        return token if token.expiration - MARGIN > self._now() else None

    def save(self, profile: Profile, token: Token) -> None:
        """Keep a token. Raises Failure."""
        with file_errors_as_failures():
            write_private(self._path(profile), token.model_dump_json().encode())

    def forget(self, profile: Profile) -> None:
        self._path(profile).unlink(missing_ok=True)

    def _path(self, profile: Profile) -> Path:
        name = hashlib.sha256(f"{profile.url} {profile.api_key}".encode()).hexdigest()[:24]
        return self._directory / f"{name}.json"


def cache_directory() -> Path:
    """Return the directory of the tokens in the XDG cache directory."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trading" / "tokens"
