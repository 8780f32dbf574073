"""API keys: who owns them, what they permit, and which secrets are valid when."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from trading.domain.clients.credential_status import CredentialStatus as CredentialStatus
from trading.domain.clients.roles import Role, permissions_of
from trading.domain.errors import DomainError, ErrorCode, ErrorKind
from trading.domain.values import Frozen, Timestamp, Versioned

CLIENT_AUDIENCE = "trading-api"
INTERNAL_AUDIENCE = "trading-internal"
CLIENT_PERMISSIONS = ("accounts:read", "orders:read", "orders:write")
MAX_SECRETS = 2
"""The secret in use and the one before it."""
LONGEST_TOKEN = timedelta(hours=1)
"""No token is valid for longer, whatever a deployment sets."""


class InvalidCredentialsError(DomainError):
    """The key is unknown or the secret is wrong. The answer does not say which."""

    code = ErrorCode.INVALID_CREDENTIALS
    kind = ErrorKind.UNAUTHENTICATED


class ClientInactiveError(DomainError):
    """The secret is right, but the client or the credential is not active."""

    code = ErrorCode.CLIENT_INACTIVE
    kind = ErrorKind.FORBIDDEN


class DerivedKeyError(DomainError):
    """The public key is one that is derived from a secret of the API key."""

    code = ErrorCode.DERIVED_KEY
    kind = ErrorKind.UNPROCESSABLE


class StoredSecret(Frozen):
    """What is stored of a secret: its scrypt hash, and the public key of the key pair that is
    derived from it. Neither lets anybody log in or sign.
    """

    hash: str
    public_key: str


class Credential(Versioned):
    """An API key with what is stored of its secrets, newest first.

    client_id: the owner, which can be an operator. audience: the API that the key is for. roles:
    those of an operator; `permissions` follow from them.
    previous_valid_until: from then on only the newest secret is valid; None: all are valid.
    rotation: the request that the newest secret was made for. public_key: a registered one, in
    base64. A log-in signed with its private half shows a second factor.
    generation: counts how often all tokens of the key were ended. A token of an earlier generation
    is refused.
    """

    api_key: str
    client_id: str
    secrets: tuple[StoredSecret, ...] = Field(min_length=1, max_length=MAX_SECRETS)
    previous_valid_until: Timestamp | None = None
    rotation: str | None = None
    permissions: tuple[str, ...]
    roles: tuple[Role, ...] = ()
    audience: str = CLIENT_AUDIENCE
    status: CredentialStatus = CredentialStatus.ACTIVE
    generation: int = 0
    public_key: str | None = None

    @property
    def is_of_operator(self) -> bool:
        """Whether the owner is an operator, and not a client."""
        return self.audience == INTERNAL_AUDIENCE

    @property
    def is_active(self) -> bool:
        return self.status is CredentialStatus.ACTIVE

    def valid_hashes(self, now: datetime) -> tuple[str, ...]:
        """The hashes that a secret may match now."""
        return tuple(each.hash for each in self._valid_secrets(now))

    def valid_public_keys(self, now: datetime) -> tuple[str, ...]:
        """The keys that may verify a signature now: those of the secrets that may log in, and the
        registered one. None if the key is not active.
        """
        if not self.is_active:
            return ()
        registered = (self.public_key,) if self.public_key else ()
        return (*(each.public_key for each in self._valid_secrets(now)), *registered)

    def _valid_secrets(self, now: datetime) -> tuple[StoredSecret, ...]:
        over = self.previous_valid_until is not None and now >= self.previous_valid_until
        return self.secrets[:1] if over else self.secrets

    def rotated(
        self, secret: StoredSecret, rotation: str, previous_valid_until: datetime, now: datetime
    ) -> "Credential":
        """Add a new secret. The one in use so far becomes the previous one.

        A secret older than that is no longer valid. If a secret ends now, the tokens end with it.
        """
        return self._with_secrets(
            now,
            secrets=(secret, self.secrets[0]),
            previous_valid_until=previous_valid_until,
            rotation=rotation,
        )

    def reissued(self, secret: StoredSecret, rotation: str, now: datetime) -> "Credential":
        """Replace the newest secret, which nobody has received. The tokens of the key end.

        The previous secret stays valid for its time.
        """
        secrets = (secret, *self.secrets[1:])
        return self._with_secrets(now, secrets=secrets, rotation=rotation)

    def with_roles(self, roles: Iterable[Role]) -> "Credential":
        """Give the operator these roles and no others. The tokens of the key end."""
        given = tuple(sorted(set(roles)))
        return self.with_ended_tokens().but(roles=given, permissions=permissions_of(given))

    def with_public_key(self, public_key: str | None) -> "Credential":
        """Register a public key in the place of the one before, or none. The tokens end.

        Raises DerivedKeyError.
        """
        if public_key in {each.public_key for each in self.secrets}:
            raise DerivedKeyError(
                "This key is derived from the API secret. Register a key pair of its own.",
                field="public_key",
            )
        return self.with_ended_tokens().but(public_key=public_key)

    def with_status(self, status: CredentialStatus) -> "Credential":
        """Enable or disable the key. A disabled key cannot log in, and its tokens end. They stay
        ended when it is enabled again.
        """
        if status is self.status:
            return self
        ended = self if status is CredentialStatus.ACTIVE else self.with_ended_tokens()
        return ended.but(status=status)

    def with_ended_tokens(self) -> "Credential":
        """End all tokens that were issued so far."""
        return self.but(generation=self.generation + 1)

    def _with_secrets(self, now: datetime, **changes: Any) -> "Credential":
        changed = self.but(**changes)
        ended = set(self._valid_secrets(now)) - set(changed._valid_secrets(now))
        return changed.with_ended_tokens() if ended else changed
