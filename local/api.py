"""An HTTP client of the public API."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self
from uuid import uuid4

import httpx
from pydantic import BaseModel, ConfigDict

from workstation.signing import Signer

LOG_IN = "/api/v1/auth/token"
SECONDS = 30.0
PATIENCE = 3


class Credentials(BaseModel):
    """The API key and secret with which a client logs in. `private_key`: that of a program, in PEM,
    which signs its log-ins.
    """

    model_config = ConfigDict(frozen=True)

    client_id: str
    api_key: str
    api_secret: str
    private_key: str | None = None


class TradingClient:
    """Logs in once, then places and reads orders. Methods return responses of any status."""

    def __init__(self, base_url: str, credentials: Credentials) -> None:
        self.client_id = credentials.client_id
        self.credentials = credentials
        self._http = httpx.Client(base_url=base_url, timeout=SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def log_in(self, idempotency_key: str) -> str:
        """Log in, use the token from now on, and return it.

        Waits while too many wrong log-ins have locked this address. Raises httpx.HTTPStatusError.
        """
        answer = patiently(lambda: self._send_log_in(idempotency_key))
        token = str(answer.raise_for_status().json()["jwt_token"])
        self.use_token(token)
        return token

    def _send_log_in(self, idempotency_key: str) -> httpx.Response:
        own = self.credentials
        request = self._http.build_request(
            "POST",
            LOG_IN,
            json={"api_key": own.api_key, "api_secret": own.api_secret},
            headers={"Idempotency-Key": idempotency_key},
        )
        if own.private_key:
            signer = Signer.of_key(own.api_key, own.private_key, lambda: datetime.now(UTC))
            signer.sign(request, LOG_IN)
        return self._http.send(request)

    def token(self, anew: bool) -> str:
        """The token in use, or a new one."""
        if anew:
            self.log_in(str(uuid4()))
        return str(self._http.headers["Authorization"]).removeprefix("Bearer ")

    def use_token(self, token: str) -> None:
        """Send this token from now on."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    def place(self, order: dict[str, Any], idempotency_key: str) -> httpx.Response:
        """POST /api/v1/orders."""
        return self.post("/api/v1/orders", order, idempotency_key)

    def replace(
        self, order_id: str, changes: dict[str, Any], idempotency_key: str
    ) -> httpx.Response:
        """PATCH /api/v1/orders/{order_id}."""
        headers = {"Idempotency-Key": idempotency_key}
        return self._http.patch(f"/api/v1/orders/{order_id}", json=changes, headers=headers)

    def cancel(self, order_id: str, idempotency_key: str) -> httpx.Response:
        """DELETE /api/v1/orders/{order_id}."""
        return self._http.delete(
            f"/api/v1/orders/{order_id}", headers={"Idempotency-Key": idempotency_key}
        )

    def balance(self) -> httpx.Response:
        """GET /api/v1/balance."""
        return self._http.get("/api/v1/balance")

    def order(self, order_id: str) -> httpx.Response:
        """GET /api/v1/orders/{order_id}."""
        return self._http.get(f"/api/v1/orders/{order_id}")

    def get(self, path: str, **query: str) -> httpx.Response:
        """GET a path with a query."""
        return self._http.get(path, params=query)

    def post(self, path: str, body: Any, idempotency_key: str | None) -> httpx.Response:
        """POST a body as JSON. Bytes and strings are sent unchanged."""
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return self._http.post(path, content=content, headers=headers)


def rest_api_url(endpoint: str, api_id: str, stage: str) -> str:
    """Return the address at which the local AWS serves a REST API."""
    return f"{endpoint}/restapis/{api_id}/{stage}/_user_request_"


def http_api_url(endpoint: str, api_id: str) -> str:
    """Return the address at which the local AWS serves an HTTP API."""
    return f"{endpoint}/_aws/execute-api/{api_id}/$default"


def stream_url(endpoint: str, api_id: str, stage: str) -> str:
    """Return the address at which the local AWS serves a WebSocket API."""
    return f"ws{endpoint.removeprefix('http')}/_aws/execute-api/{api_id}/{stage}"


def patiently(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Send a request again after the time that a 429 states, at most `PATIENCE` times."""
    for _ in range(PATIENCE):
        answer = send()
        if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            return answer
        time.sleep(int(answer.headers.get("Retry-After", "1")))
    return send()
