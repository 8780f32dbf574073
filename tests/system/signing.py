"""Signs the requests of system tests."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import httpx

from local.api import Credentials
from workstation.signing import Signer

USER_REQUEST = "_user_request_"


class Signed(httpx.Auth):
    """Signs each request. `ahead`: how far the clock of the caller is ahead."""

    requires_request_body = True

    def __init__(self, credentials: Credentials, ahead: timedelta = timedelta()) -> None:
        self._signer = Signer.of_secret(
            credentials.api_key, credentials.api_secret, lambda: datetime.now(UTC) + ahead
        )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self._signer.sign(request, request.url.path.partition(USER_REQUEST)[2])
        yield request
