"""The outside world: exchanges, depository, and the secrets shared with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trading.adapters.runtime import clock
from trading.adapters.runtime.settings import rest_api_url
from trading.adapters.venues.depository import KEY_ID, HttpDepository
from trading.adapters.venues.http import VenueHttp, pool
from trading.adapters.venues.secrets import VenueSecrets
from trading.bootstrap import clients
from trading.bootstrap.settings import VenueSettings

EXCHANGE_READ_TIMEOUT_SECONDS = 1.5
DEPOSITORY_READ_TIMEOUT_SECONDS = 3.5
"""The depository settles a batch and nobody waits for its answer. When an exchange is slow, another
exchange is the better choice.
"""


def venue_http(
    settings: VenueSettings, read_timeout_seconds: float, key_ids: Iterable[str]
) -> VenueHttp:
    """Requests to the outside world, signed with these keys alone."""
    secrets = VenueSecrets(
        clients.secrets_manager(), settings.venue_secret_prefix, clock.now, key_ids
    )
    return VenueHttp(base_urls(settings), secrets, clock.now, pool(read_timeout_seconds))


def base_urls(settings: VenueSettings) -> Callable[[str], str | None]:
    """Key id of a venue → the address of its API. All simulators share one."""
    if settings.venue_urls:
        return settings.venue_urls.get
    return lambda _: rest_api_url(settings.venues_api_id, settings.venues_api_stage)


def depository(settings: VenueSettings) -> HttpDepository:
    return HttpDepository(venue_http(settings, DEPOSITORY_READ_TIMEOUT_SECONDS, {KEY_ID}))
