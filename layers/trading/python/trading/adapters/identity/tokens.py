"""Access tokens: JWT (RFC 7519) with the best current practices of RFC 8725 and the type of RFC
9068.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
from jwt.api_jws import PyJWS
from pydantic import ValidationError

from trading.adapters.identity.signing_keys import RetiredKeyError, SigningKeys
from trading.domain.clients.credentials import Credential
from trading.domain.clients.second_factor import WITH_SECRET, Method
from trading.domain.values import Frozen

ALGORITHM = "HS256"
TYPE = "at+jwt"
CLOCK_SKEW = timedelta(seconds=5)
MAX_TOKEN_LENGTH = 4096
"""KMS takes messages up to this length."""


class InvalidTokenError(Exception):
    """The token is not valid. The reason is for our log, not for the caller."""


class Grant(Frozen):
    """The content of a token, without a secret. With the same signing key, the same grant makes the
    same token again.

    methods: how its owner authenticated (RFC 8176), at `issued_at`.
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
    methods: tuple[Method, ...] = WITH_SECRET

    @property
    def expiration(self) -> datetime:
        """The time at which the token expires."""
        return datetime.fromtimestamp(self.expires_at, UTC)


class Tokens:
    """Signs and verifies tokens. The id of a key is that of KMS.

    Every token is made for `lifetime`. One that claims to be valid for longer is not valid at all.
    """

    def __init__(
        self,
        keys: SigningKeys,
        issuer: str,
        lifetime: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._lifetime = int(lifetime.total_seconds())
        self._now = now
        self._jws = PyJWS()
        self._jws.unregister_algorithm(ALGORITHM)
        self._jws.register_algorithm(ALGORITHM, keys)

    def grant(self, credential: Credential, methods: Sequence[Method]) -> Grant:
        """The content of a new token, under the key that signs for its audience."""
        issued_at = int(self._now().timestamp())
        return Grant(
            key_id=self._keys.of(credential.audience)[0],
            audience=credential.audience,
            api_key=credential.api_key,
            client_id=credential.client_id,
            permissions=credential.permissions,
            issued_at=issued_at,
            expires_at=issued_at + self._lifetime,
            generation=credential.generation,
            token_id=uuid4().hex,
            methods=tuple(methods),
        )

    def sign(self, grant: Grant) -> str:
        """Sign a grant. The same grant makes the same token.

        Raises RetiredKeyError or KeysUnavailableError.
        """
        if grant.key_id not in self._keys.of(grant.audience):
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
            "amr": list(grant.methods),
            "auth_time": grant.issued_at,
        }
        payload = json.dumps(claims, separators=(",", ":")).encode()
        headers = {"typ": TYPE, "kid": grant.key_id}
        return self._jws.encode(payload, grant.key_id, ALGORITHM, headers)

    def verify(self, token: str, audience: str) -> Grant:
        """Return the content of a token.

        KMS is asked last, and only about a token whose claims are valid now.

        Raises InvalidTokenError unless the token is ours, for this audience, and valid now. Raises
        KeysUnavailableError when KMS does not tell.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidTokenError("too long")
        try:
            grant = self._stated(token, audience)
            self._check_times(grant)
            self._jws.decode(token, grant.key_id, algorithms=[ALGORITHM])
        except (jwt.InvalidTokenError, ValidationError, RetiredKeyError) as error:
            raise InvalidTokenError(str(error)) from error
        return grant

    def _stated(self, token: str, audience: str) -> Grant:
        """What the token says, whoever has signed it."""
        header = jwt.get_unverified_header(token)
        key_id = header.get("kid")
        if header.get("typ") != TYPE or not isinstance(key_id, str):
            raise InvalidTokenError("not an access token of ours")
        if key_id not in self._keys.of(audience):
            raise InvalidTokenError("not a signing key of this audience")
        claims = jwt.decode(
            token,
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
                    "amr",
                    "auth_time",
                ],
                "verify_signature": False,
                "verify_iss": True,
                "verify_aud": True,
                "strict_aud": True,
                "verify_sub": True,
                "verify_jti": True,
                "verify_exp": False,  # PyJWT reads the system's clock; ours is injected
                "verify_iat": False,
            },
        )
        if claims["auth_time"] != claims["iat"]:
            raise InvalidTokenError("not issued when its owner logged in")
        return Grant(
            key_id=key_id,
            audience=claims["aud"],
            api_key=claims["sub"],
            client_id=claims["client_id"],
            permissions=claims["permissions"],
            issued_at=claims["iat"],
            expires_at=claims["exp"],
            generation=claims["generation"],
            token_id=claims["jti"],
            methods=claims["amr"],
        )

    def _check_times(self, grant: Grant) -> None:
        now = self._now().timestamp()
        if grant.expires_at <= now:
            raise InvalidTokenError("expired")
        if grant.issued_at > now + CLOCK_SKEW.total_seconds():
            raise InvalidTokenError("issued in the future")
        if grant.expires_at - grant.issued_at > self._lifetime:
            raise InvalidTokenError("valid for too long")
