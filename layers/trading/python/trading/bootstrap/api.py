"""What the APIs share: the rate limit of an API key."""

from trading.adapters.http.throttle import Throttle
from trading.adapters.runtime import clock
from trading.bootstrap import clients
from trading.bootstrap.settings import RateLimitSettings


def throttle(settings: RateLimitSettings) -> Throttle:
    return Throttle(
        clients.dispensable_dynamodb(),
        settings.control_table,
        clock.now,
        settings.rate_limit_requests,
        settings.rate_limit_window_seconds,
    )
