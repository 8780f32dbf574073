"""Log-in: an API key and its secret for an access token. Both APIs have this route."""

from typing import Annotated, Literal, Self

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import Field

from trading.adapters.http.fields import Name
from trading.adapters.http.idempotency import Idempotency
from trading.adapters.http.problems import unavailable
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.identity.login import origin
from trading.adapters.identity.signing_keys import KeysUnavailableError, RetiredKeyError
from trading.adapters.identity.tokens import Grant, Tokens
from trading.domain.values import Frozen, Timestamp
from trading.usecases.identity.log_in import LogIn


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


def add_route(app: ApiResolver, log_in: LogIn, tokens: Tokens, idempotency: Idempotency) -> None:
    """Add the log-in with keys of one audience."""

    def signed(grant: Grant, headers: dict[str, str] | None = None) -> Response[AccessToken]:
        return json_response(AccessToken.of(grant, tokens.sign(grant)), headers=headers)

    @app.post(
        "/api/v1/auth/token",
        permission=None,
        summary="Get an access token",
        tags=["Authentication"],
    )
    def issue_token(credentials: Annotated[TokenRequest, Body()]) -> Response[AccessToken]:
        """Exchange an API key and its secret for an access token. A repeated request gets the
        identical token while that is valid.
        """
        # The secret is checked at each request. The record under the key holds the claims of the
        # token, but neither the token nor the secret.
        source_ip = app.event["requestContext"].get("identity", {}).get("sourceIp", "")
        credential = log_in(credentials.api_key, credentials.api_secret, origin(source_ip))

        def grant() -> Grant:
            return tokens.grant(credential)

        outcome = idempotency.once(app, credential.api_key, Grant, grant)
        try:
            if outcome.answer.generation != credential.generation:  # that token has ended
                return signed(grant())
            try:
                return signed(outcome.answer, outcome.headers)
            except RetiredKeyError:
                return signed(grant())
        except (KeysUnavailableError, RetiredKeyError) as error:
            # The record stands. The repeated request signs what it holds.
            raise unavailable(
                "The token could not be signed. Try again with the same Idempotency-Key."
            ) from error
