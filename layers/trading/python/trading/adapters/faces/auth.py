"""Log-in: an API key and its secret for an access token."""

from typing import Literal, Self

from pydantic import Field

from trading.adapters.http.fields import Name
from trading.adapters.identity.tokens import Grant
from trading.domain.values import Frozen, Timestamp


class TokenRequest(Frozen):
    """An API key and its secret."""

    api_key: Name
    api_secret: str = Field(min_length=1, max_length=128)


class AccessToken(Frozen):
    """A token to send as `Authorization: Bearer {jwt_token}`."""

    jwt_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expiration: Timestamp
    permissions: tuple[str, ...]

    @classmethod
    def of(cls, grant: Grant, signed: str) -> Self:
        return cls(jwt_token=signed, expiration=grant.expiration, permissions=grant.permissions)
