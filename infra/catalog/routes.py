"""Routes of the four APIs."""

from dataclasses import dataclass

from trading.wire import CALLBACK_PATH

REQUESTS_PER_SECOND = {"prod": 1000, "dev": 200}
"""The rate at which any other route of an API starts to answer 429, by stage."""
BURST_SECONDS = 2
"""A burst may have as many requests as the rate allows in so many seconds."""
LOG_INS_PER_SECOND = 50
"""A client logs in every 15 minutes, so this is enough for 45,000 clients."""
FACTORS_PER_SECOND = 10
"""Changes of second factors are rare."""
VERDICT_SECONDS = {"public": 300, "internal": 0}
"""How long API Gateway keeps an authorizer's verdict on a token.

Each route of the public API checks whether the token has ended. At the internal API, the authorizer
checks it.
"""

STREAM_STAGE = "stream"
"""The stage of the WebSocket API, with which its URL ends."""


@dataclass(frozen=True)
class Route:
    """One method of one path, and the function that answers.

    For a `signed` route the function itself authenticates the request, by an HMAC signature or by
    credentials in the body. For every other route the API's authorizer does. Which permission a
    route needs is said at the function's handler.

    `rate` is the number of requests a second that the route takes, if that is less than what the
    deployment allows any route. Twice as much is allowed in a burst. A route that strangers can
    reach has a rate, so that a flood of them does not use up what the others need.

    `waits`: the route takes long polls, so the alarm on latency leaves it out.
    """

    method: str
    path: str
    function: str
    signed: bool = False
    rate: int | None = None
    waits: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """The method, and HEAD beside GET. A signature covers the method, so a signed GET has no
        HEAD.
        """
        return ("GET", "HEAD") if self.method == "GET" and not self.signed else (self.method,)


PUBLIC_ROUTES = (
    Route("POST", "/api/v1/auth/token", "auth", signed=True, rate=LOG_INS_PER_SECOND),
    Route("POST", "/api/v1/auth/step-up", "auth"),
    Route("GET", "/api/v1/auth/second-factor", "auth"),
    Route("POST", "/api/v1/auth/second-factor", "auth", signed=True, rate=FACTORS_PER_SECOND),
    Route(
        "POST",
        "/api/v1/auth/second-factor/confirmation",
        "auth",
        signed=True,
        rate=FACTORS_PER_SECOND,
    ),
    Route("PUT", "/api/v1/auth/second-factor/policy", "auth", signed=True, rate=FACTORS_PER_SECOND),
    Route("POST", "/api/v1/orders", "orders"),
    Route("GET", "/api/v1/orders", "orders"),
    Route("DELETE", "/api/v1/orders", "orders"),
    Route("GET", "/api/v1/orders:by_client_order_id", "orders"),
    Route("DELETE", "/api/v1/orders:by_client_order_id", "orders"),
    Route("GET", "/api/v1/orders/{order_id}", "orders"),
    Route("PATCH", "/api/v1/orders/{order_id}", "orders"),
    Route("DELETE", "/api/v1/orders/{order_id}", "orders"),
    Route("GET", "/api/v1/balance", "accounts"),
    Route("GET", "/api/v1/positions", "accounts"),
    Route("GET", "/api/v1/positions/{symbol}", "accounts"),
    Route("GET", "/api/v1/portfolio", "accounts"),
    Route("GET", "/api/v1/trades", "accounts"),
    Route("GET", "/api/v1/trade/balance", "accounts"),
    Route("GET", "/api/v1/trade/portfolio", "accounts"),
    Route("GET", "/api/v1/transaction-history", "orders"),
    Route("POST", "/api/v1/place-trade", "orders"),
    Route("POST", "/api/v1/trade/place", "orders"),
    Route("GET", "/api/v1/trade/{trade_id}", "orders"),
    Route("POST", "/api/v1/trade/{trade_id}/cancel", "orders"),
    Route("GET", "/api/v1/transactions", "accounts"),
    Route("GET", "/api/v1/events", "event_feed", waits=True),
)
CALLBACK_ROUTES = (Route("POST", CALLBACK_PATH, "callbacks", signed=True),)
INTERNAL_ROUTES = (
    Route("POST", "/api/v1/auth/token", "internal_auth", signed=True, rate=LOG_INS_PER_SECOND),
    Route(
        "POST", "/api/v1/auth/second-factor", "internal_auth", signed=True, rate=FACTORS_PER_SECOND
    ),
    Route(
        "POST",
        "/api/v1/auth/second-factor/confirmation",
        "internal_auth",
        signed=True,
        rate=FACTORS_PER_SECOND,
    ),
    Route("POST", "/api/v1/execution/{order_id}", "internal"),
    Route("POST", "/api/v1/clearing/{trade_id}", "internal"),
    Route("POST", "/api/v1/settlement/{trade_id}", "internal"),
    Route("POST", "/api/v1/admin/clients", "admin"),
    Route("GET", "/api/v1/admin/clients/{client_id}", "admin"),
    Route("GET", "/api/v1/admin/clients/{client_id}/orders", "admin"),
    Route("GET", "/api/v1/admin/clients/{client_id}/portfolio", "admin"),
    Route("GET", "/api/v1/admin/orders/{order_id}", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/suspension", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/activation", "admin"),
    Route("PUT", "/api/v1/admin/clients/{client_id}/limits", "admin"),
    Route("PUT", "/api/v1/admin/clients/{client_id}/signing", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/secret-rotation", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/second-factor-reset", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/deposits", "admin"),
    Route("POST", "/api/v1/admin/clients/{client_id}/withdrawals", "admin"),
    Route("POST", "/api/v1/admin/advances/{trade_id}/closure", "admin"),
    Route("GET", "/api/v1/admin/proposals", "admin"),
    Route("GET", "/api/v1/admin/proposals/{proposal_id}", "admin"),
    Route("POST", "/api/v1/admin/proposals/{proposal_id}/approval", "admin"),
    Route("POST", "/api/v1/admin/proposals/{proposal_id}/rejection", "admin"),
    Route("PUT", "/api/v1/admin/instruments/{symbol}/halt", "admin"),
    Route("PUT", "/api/v1/admin/instruments/{symbol}/resume", "admin"),
    Route("PUT", "/api/v1/admin/clients/{client_id}/keys/{api_key}/disable", "admin"),
    Route("PUT", "/api/v1/admin/clients/{client_id}/keys/{api_key}/enable", "admin"),
    Route("PUT", "/api/v1/admin/clients/{client_id}/keys/{api_key}/public-key", "admin"),
    Route("GET", "/api/v1/admin/operators/{operator}", "admin"),
    Route("PUT", "/api/v1/admin/operators/{operator}/disable", "admin"),
    Route("PUT", "/api/v1/admin/operators/{operator}/enable", "admin"),
    Route("GET", "/api/v1/admin/venues/{venue}/key", "admin"),
    Route("PUT", "/api/v1/admin/venues/{venue}/key/disable", "admin"),
    Route("PUT", "/api/v1/admin/venues/{venue}/key/enable", "admin"),
)
VENUE_ROUTES = (
    Route("POST", "/exchanges/{exchange_id}/orders", "exchange_api", signed=True),
    Route("GET", "/exchanges/{exchange_id}/orders/{client_order_id}", "exchange_api", signed=True),
    Route(
        "DELETE", "/exchanges/{exchange_id}/orders/{client_order_id}", "exchange_api", signed=True
    ),
    Route("GET", "/quotes/{symbol}", "exchange_api", signed=True),
    Route("POST", "/depository/instructions", "depository_api", signed=True),
    Route("GET", "/depository/confirmations", "depository_api", signed=True),
)
