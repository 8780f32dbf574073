"""Access tokens: JWT (RFC 7519) with the best current practices of RFC 8725 and the type of RFC
9068.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
from pydantic import ValidationError

from trading.adapters.runtime.secrets import SecretVersion, StagedSecret
from trading.domain.clients.credentials import Credential
from trading.domain.values import Frozen

ALGORITHM = "HS256"
TYPE = "at+jwt"
KEYS_CACHED_FOR = timedelta(minutes=5)
UNKNOWN_KEY_REFRESH = timedelta(seconds=5)
PUBLISHED_FOR = timedelta(seconds=30)
"""A new key signs no tokens before this age, so that every verifier can know it. The time is longer
than a refresh with its retries, plus the clock skew.
"""
CLOCK_SKEW = timedelta(seconds=5)
MIN_KEY_BYTES = 32
MAX_TOKEN_LENGTH = 4096


class InvalidTokenError(Exception):
    """The token is not valid. The reason is for our log, not for the caller."""


class RetiredKeyError(Exception):
    """The signing key is no longer valid."""


class KeysUnavailableError(Exception):
    """The key of the token is not known, and Secrets Manager does not answer.

    Whether the token is valid cannot be decided.
    """


class Grant(Frozen):
    """The content of a token, without a secret. With the same signing key, the same grant makes the
    same token again.
    """

    key_id: str
    audience: str
    api_key: str
    client_id: str
    permissions: tuple[str, ...]
    issued_at: int
    expires_at: int
    generation: int
    token_id: str

    @property
    def expiration(self) -> datetime:
        """The time at which the token expires."""
        return datetime.fromtimestamp(self.expires_at, UTC)


class Tokens:
    """Signs and verifies tokens. A key's id is its version id in Secrets Manager.

    Tokens of the current and of the previous key are valid. A new key signs tokens only when it is
    `PUBLISHED_FOR` old, so that no verifier gets a token of a key that it cannot know yet. Every
    token is made for `lifetime`. One that claims to be valid for longer is not valid at all.
    """

    def __init__(
        self,
        keys: StagedSecret,
        issuer: str,
        lifetime: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._lifetime = int(lifetime.total_seconds())
        self._now = now

    def grant(self, credential: Credential) -> Grant:
        """The content of a new token, for the newest key that is published long enough."""
        issued_at = int(self._now().timestamp())
        return Grant(
            key_id=self._signing_key_id(),
            audience=credential.audience,
            api_key=credential.api_key,
            client_id=credential.client_id,
            permissions=credential.permissions,
            issued_at=issued_at,
            expires_at=issued_at + self._lifetime,
            generation=credential.generation,
            token_id=uuid4().hex,
        )

    def sign(self, grant: Grant) -> str:
        """Sign a grant. The same grant makes the same token. Raises RetiredKeyError."""
        key = self._key(grant.key_id)
        if key is None:
            raise RetiredKeyError(grant.key_id)
        claims = {
            "iss": self._issuer,
            "aud": grant.audience,
            "sub": grant.api_key,
            "client_id": grant.client_id,
            "permissions": list(grant.permissions),
            "iat": grant.issued_at,
            "exp": grant.expires_at,
            "generation": grant.generation,
            "jti": grant.token_id,
        }
        return jwt.encode(claims, key, ALGORITHM, headers={"typ": TYPE, "kid": grant.key_id})

    def verify(self, token: str, audience: str) -> Grant:
        """Return the content of a token.

        Raises InvalidTokenError unless the token is ours, for this audience, and valid now. Raises
        KeysUnavailableError when the keys cannot be read to decide this.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidTokenError("too long")
        try:
            header = jwt.get_unverified_header(token)
            key_id = header.get("kid")
            if header.get("typ") != TYPE or not isinstance(key_id, str):
                raise InvalidTokenError("not an access token of ours")
            key = self._key(key_id)
            if key is None and self._keys.out_of_date:
                raise KeysUnavailableError(key_id)
            if key is None:
                raise InvalidTokenError("unknown signing key")
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=audience,
                options={
                    "require": [
                        "iss",
                        "aud",
                        "sub",
                        "client_id",
                        "permissions",
                        "iat",
                        "exp",
                        "generation",
                        "jti",
                    ],
                    "strict_aud": True,
                    "verify_exp": False,  # PyJWT reads the system's clock; ours is injected
                    "verify_iat": False,
                },
            )
            grant = Grant(
                key_id=key_id,
                audience=claims["aud"],
                api_key=claims["sub"],
                client_id=claims["client_id"],
                permissions=claims["permissions"],
                issued_at=claims["iat"],
                expires_at=claims["exp"],
                generation=claims["generation"],
                token_id=claims["jti"],
            )
        except (jwt.InvalidTokenError, ValidationError) as error:
            raise InvalidTokenError(str(error)) from error
        now = self._now().timestamp()
        if grant.expires_at <= now:
            raise InvalidTokenError("expired")
        if grant.issued_at > now + CLOCK_SKEW.total_seconds():
            raise InvalidTokenError("issued in the future")
        if grant.expires_at - grant.issued_at > self._lifetime:
            raise InvalidTokenError("valid for too long")
        return grant

    def _key(self, key_id: str) -> bytes | None:
        """The key, or None. An unknown key is looked up again, but at most once in
        `UNKNOWN_KEY_REFRESH`, so that forged key ids cannot overload Secrets Manager.
        """
        for max_age in (KEYS_CACHED_FOR, UNKNOWN_KEY_REFRESH):
            found = self._valid_keys(max_age).get(key_id)
            if found is not None:
                return found.value
        return None

    def _signing_key_id(self) -> str:
        keys = self._valid_keys(KEYS_CACHED_FOR)
        published = (
            key_id for key_id, key in keys.items() if self._now() - key.created_at >= PUBLISHED_FOR
        )
        return next(published, list(keys)[-1])

    def _valid_keys(self, max_age: timedelta) -> dict[str, SecretVersion]:
        keys = self._keys.versions(max_age)
        if not keys or any(len(key.value) < MIN_KEY_BYTES for key in keys.values()):
            raise RuntimeError(
                f"there is no signing key, or one of less than {MIN_KEY_BYTES} bytes"
            )
        return keys
