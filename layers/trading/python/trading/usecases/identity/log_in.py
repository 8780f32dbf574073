"""Log-in with an API key and its secret."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trading.domain.clients import lockout
from trading.domain.clients.credentials import (
    ClientInactiveError,
    Credential,
    InvalidCredentialsError,
)
from trading.usecases.ports import Clock
from trading.usecases.ports.identity import Credentials, LoginFailures, Owners


@dataclass(frozen=True)
class LogIn:
    """Checks API keys and secrets. Every failure costs the same work, and a right secret is never
    refused for the wrong ones of others.
    """

    credentials: Credentials
    owners: Owners
    failures: LoginFailures
    matches: Callable[[str, Sequence[str]], bool]
    """Tells whether a secret has one of the hashes. The check takes the same time for no hash and
    for several.
    """
    clock: Clock

    def __call__(self, api_key: str, secret: str, address: str) -> Credential:
        """The credential of the key. `address` is where the request comes from.

        A lock delays wrong secrets only. So the secret is always hashed, and the time of an answer
        does not tell what failed.

        Raises LoginLockedError, InvalidCredentialsError or ClientInactiveError.
        """
        recent = self.failures.recent(api_key, address)
        credential = self.credentials.credential(api_key)
        hashes = credential.valid_hashes(self.clock()) if credential else ()
        if not self.matches(secret, hashes) or credential is None:
            self.failures.add(api_key, address)
            lockout.check_not_locked(recent, self.clock())
            raise InvalidCredentialsError("The API key or the secret is wrong.")
        if recent.with_key:
            self.failures.forget(api_key, address)
        return self._active(credential)

    def again(self, api_key: str) -> Credential:
        """The credential of a key whose token is valid. Raises ClientInactiveError."""
        return self._active(self.credentials.credential(api_key))

    def _active(self, credential: Credential | None) -> Credential:
        if (
            credential is None
            or not credential.is_active
            or not self.owners.is_active(credential.client_id)
        ):
            raise ClientInactiveError("The owner of this API key or the key is not active.")
        return credential
