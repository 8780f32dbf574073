"""The REQUEST authorizer that stands before an API: verifies the bearer token for one audience."""

from collections.abc import Mapping
from typing import Any

from trading.adapters.identity.tokens import InvalidTokenError, Tokens
from trading.adapters.runtime.observability import count, logger
from trading.metrics import Metric


class Authorizer:
    """Answers API Gateway's REQUEST authorizer events."""

    def __init__(self, tokens: Tokens, audience: str) -> None:
        self._tokens = tokens
        self._audience = audience

    def authorize(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return a policy with the principal as context.

        The policy allows all routes of the API, because API Gateway caches it for the token. With a
        narrower policy, it would deny the token's next route. Each route checks its permission
        itself.

        Raises Exception("Unauthorized") if the token is not valid. API Gateway then answers 401. On
        any other error it answers 500.
        """
        try:
            grant = self._tokens.verify(_bearer_token(event.get("headers") or {}), self._audience)
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
            },
        }


def _bearer_token(headers: Mapping[str, str]) -> str:
    value = next((text for name, text in headers.items() if name.lower() == "authorization"), "")
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidTokenError("no bearer token")
    return token.strip()
