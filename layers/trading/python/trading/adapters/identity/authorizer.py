"""The REQUEST authorizer that stands before an API: verifies the bearer token for one audience."""

from collections.abc import Callable, Mapping
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from trading.adapters.identity.tokens import InvalidTokenError, Tokens
from trading.adapters.runtime.aws import CLIENT_CONFIG
from trading.adapters.runtime.clock import now
from trading.adapters.runtime.observability import count, logger
from trading.adapters.runtime.secrets import StagedSecret
from trading.metrics import Metric


class Authorizer:
    """Answers API Gateway's REQUEST authorizer events."""

    def __init__(self, tokens: Tokens, audience: str) -> None:
        self._tokens = tokens
        self._audience = audience

    def authorize(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """A policy with the principal as context.

        It allows the API's whole stage: API Gateway caches it under the token and would else deny
        the token's next route; which route needs which permission is the routes' business. Raises
        Exception("Unauthorized"), which is how API Gateway is told to answer 401, for whatever is
        not a valid token; any other error makes it answer 500.
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


def authorizer_handler(
    signing_key_secret_id: str, issuer: str, audience: str
) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The Lambda handler of an authorizer."""
    keys = StagedSecret(
        boto3.client("secretsmanager", config=CLIENT_CONFIG), signing_key_secret_id, now
    )
    authorizer = Authorizer(Tokens(keys, issuer, now), audience)

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        return authorizer.authorize(event)

    return handler


def _bearer_token(headers: Mapping[str, str]) -> str:
    value = next((text for name, text in headers.items() if name.lower() == "authorization"), "")
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidTokenError("no bearer token")
    return token.strip()
