"""The REQUEST authorizer that stands before an API: verifies the bearer token for one audience."""

from collections.abc import Callable, Mapping
from typing import Any

from trading.adapters.identity.tokens import Grant, InvalidTokenError, Tokens
from trading.adapters.runtime.handshakes import offered_subprotocols
from trading.adapters.runtime.observability import count, logger
from trading.domain.clients.credentials import Credential
from trading.domain.clients.second_factor import Method
from trading.metrics import Metric

BEARER = "bearer."
"""Before the token, in the subprotocol that has it."""


class Authorizer:
    """Answers API Gateway's REQUEST authorizer events."""

    def __init__(
        self,
        tokens: Tokens,
        audience: str,
        credential: Callable[[str], Credential | None] | None = None,
    ) -> None:
        """With `credential`, the tokens are those of operators: each must show a second factor, and
        is compared with its API key as it is stored now. Then API Gateway must not cache the
        verdict.
        """
        self._tokens = tokens
        self._audience = audience
        self._credential = credential

    def authorize(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return a policy with the principal as context.

        The policy allows all routes of the API, because API Gateway caches it for the token. With a
        narrower policy, it would deny the token's next route. Each route checks its permission
        itself, and whether the token has expired since.

        Raises Exception("Unauthorized") if the token is not valid. API Gateway then answers 401. On
        any other error it answers 500.
        """
        try:
            grant = self._tokens.verify(_token_of(event), self._audience)
            self._check_not_ended(grant)
        except InvalidTokenError as error:
            logger.info("token refused", reason=str(error))
            count(Metric.TOKEN_REFUSED)
            raise Exception("Unauthorized") from None
        api_arn, stage, *_ = event["methodArn"].split("/")
        return {
            "principalId": grant.client_id,
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Action": "execute-api:Invoke",
                        "Effect": "Allow",
                        "Resource": f"{api_arn}/{stage}/*",
                    }
                ],
            },
            "context": {
                "client_id": grant.client_id,
                "permissions": " ".join(grant.permissions),
                "api_key": grant.api_key,
                "expires_at": str(grant.expires_at),
                "generation": str(grant.generation),
                "methods": " ".join(grant.methods),
            },
        }

    def _check_not_ended(self, grant: Grant) -> None:
        if self._credential is None:
            return
        if Method.SEVERAL not in grant.methods:
            raise InvalidTokenError("no second factor")
        credential = self._credential(grant.api_key)
        if credential is None or not credential.is_active:
            raise InvalidTokenError("the API key is not active")
        if grant.generation < credential.generation:
            raise InvalidTokenError("ended")


def _token_of(event: Mapping[str, Any]) -> str:
    """The token of a request. A browser cannot set headers of a WebSocket, so at its handshake the
    token may be among the subprotocols.
    """
    for offered in offered_subprotocols(event):
        if offered.startswith(BEARER):
            return offered.removeprefix(BEARER)
    return _bearer_token(event.get("headers") or {})


def _bearer_token(headers: Mapping[str, str]) -> str:
    value = next((text for name, text in headers.items() if name.lower() == "authorization"), "")
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidTokenError("no bearer token")
    return token.strip()
