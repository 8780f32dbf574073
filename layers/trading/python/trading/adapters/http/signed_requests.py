"""Signed requests: which routes need a signature."""

from enum import StrEnum
from typing import Protocol

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from trading.adapters.http.principals import Principal

SIGNATURE_EXTENSION = "x-signature"


class Required(StrEnum):
    """When a request of a route must be signed. On such a route, a signature that comes is always
    verified.
    """

    ALWAYS = "always"
    BY_PROFILE = "by-profile"
    """If the profile of the client says so."""


class SignatureCheck(Protocol):
    """Raises HttpError for a request that is not signed as it must be."""

    def check(
        self, event: APIGatewayProxyEvent, body: bytes, principal: Principal, needed: Required
    ) -> None: ...
