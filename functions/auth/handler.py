"""POST /api/v1/auth/token: log in with an API key and its secret."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.auth.settings import Settings
from trading.adapters.faces.auth import AccessToken, TokenRequest
from trading.adapters.http.problems import unavailable
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.identity.login import origin
from trading.adapters.identity.signing_keys import KeysUnavailableError, RetiredKeyError
from trading.adapters.identity.tokens import Grant
from trading.adapters.runtime.settings import load
from trading.bootstrap.identity import log_in_api

settings = load(Settings)
api = log_in_api(settings)
app = ApiResolver(origins=settings.origins)


@app.post(
    "/api/v1/auth/token", permission=None, summary="Get an access token", tags=["Authentication"]
)
def issue_token(credentials: Annotated[TokenRequest, Body()]) -> Response[AccessToken]:
    """Exchange an API key and its secret for an access token. A repeated request gets the identical
    token while that is valid.
    """
    # The secret is checked at each request. The record under the key holds the claims of the token,
    # but neither the token nor the secret.
    source_ip = app.event["requestContext"].get("identity", {}).get("sourceIp", "")
    credential = api.log_in(credentials.api_key, credentials.api_secret, origin(source_ip))

    def grant() -> Grant:
        return api.tokens.grant(credential)

    outcome = api.idempotency.once(app, credential.api_key, Grant, grant)
    try:
        if outcome.answer.generation != credential.generation:  # that token has ended
            return _answer(grant(), {})
        try:
            return _answer(outcome.answer, outcome.headers)
        except RetiredKeyError:
            return _answer(grant(), {})
    except (KeysUnavailableError, RetiredKeyError) as error:
        # The record stands. The repeated request signs what it holds.
        raise unavailable(
            "The token could not be signed. Try again with the same Idempotency-Key."
        ) from error


def _answer(grant: Grant, headers: dict[str, str]) -> Response[AccessToken]:
    return json_response(AccessToken.of(grant, api.tokens.sign(grant)), headers=headers)


handler = app.resolve
