"""API keys and what guards them."""

from typing import Protocol

from trading.domain.clients.credentials import Credential
from trading.domain.clients.lockout import RecentFailures


class Credentials(Protocol):
    """API keys of one audience. Any other key is unknown."""

    def credential(self, api_key: str) -> Credential | None: ...


class Owners(Protocol):
    """Those who own API keys: clients, or operators."""

    def is_active(self, owner_id: str) -> bool: ...


class LoginFailures(Protocol):
    """Failures by API key and address. While they cannot be read, nothing is locked."""

    def recent(self, api_key: str, address: str) -> RecentFailures: ...

    def add(self, api_key: str, address: str) -> None: ...

    def forget(self, api_key: str, address: str) -> None:
        """Forget those with this key. Those of the address stay: its owner may have a key too."""
        ...


class EndedTokens(Protocol):
    """The generations of the keys whose tokens have ended before their time."""

    def end_before(self, api_key: str, generation: int) -> None:
        """From now on, every route refuses the key's tokens of earlier generations. A repetition
        changes nothing, and an earlier generation takes nothing back.
        """
        ...
