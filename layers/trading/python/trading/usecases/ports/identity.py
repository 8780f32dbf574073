"""API keys and what guards them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from trading.domain.clients.credentials import Credential
from trading.domain.clients.lockout import RecentFailures
from trading.domain.clients.second_factor import SecondFactor, SecondFactorPolicy


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


class SecondFactors(Protocol):
    """What is stored of second factors."""

    def of(self, holder: str) -> SecondFactor:
        """The second factor of a holder, never from a cache; an empty one if there is none."""
        ...

    def commit(self, factor: SecondFactor) -> None:
        """Save it on the version that was read. Raises StaleError."""
        ...


class Codes(Protocol):
    """What is derived from the id of an enrolment. Each method raises CodesUnavailableError."""

    def secret(self, enrolment: str) -> str:
        """The secret of the authenticator, in base32."""
        ...

    def recovery_codes(self, enrolment: str) -> Sequence[str]: ...

    def step_of(self, enrolment: str, code: str, now: datetime) -> int | None:
        """The latest time step that is valid now and has this code. None: there is no such step."""
        ...

    def place_of(self, enrolment: str, code: str) -> int | None:
        """The position of a recovery code in the list. None: it is not in the list."""
        ...


class SecondFactorPolicies(Protocol):
    """What of a client needs a second factor."""

    def set(self, client_id: str, above: Decimal | None, withdrawals: bool | None = None) -> None:
        """Write it into the profile, with the event of the change. `withdrawals`: None to leave
        that as it is. Raises NotFoundError, StaleError.
        """
        ...

    def of(self, client_id: str) -> SecondFactorPolicy: ...


class EndedTokens(Protocol):
    """The generations of the keys whose tokens have ended before their time."""

    def end_before(self, api_key: str, generation: int) -> None:
        """From now on, every route refuses the key's tokens of earlier generations. A repetition
        changes nothing, and an earlier generation takes nothing back.
        """
        ...
