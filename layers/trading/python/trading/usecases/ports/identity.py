"""API keys and what guards them."""

from typing import Protocol

from trading.domain.clients.credentials import Credential
from trading.domain.clients.lockout import FailedLogins


class Credentials(Protocol):
    """API keys, and the clients that own them."""

    def credential(self, api_key: str) -> Credential | None: ...

    def client_is_active(self, client_id: str) -> bool: ...


class LoginFailures(Protocol):
    """Failures in a row by API key. While they cannot be read, no key is locked."""

    def failed_logins(self, api_key: str) -> FailedLogins | None: ...

    def add(self, api_key: str) -> None: ...

    def forget(self, api_key: str) -> None: ...


class SigningKeys(Protocol):
    """The versions of the key that signs access tokens."""

    def add(self, version_id: str) -> bool:
        """Make a new key the current one. False: there is a version of that id already."""
        ...
