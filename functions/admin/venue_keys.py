"""The routes that disable and enable the keys of exchanges."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from trading.adapters.faces.admin import Change
from trading.adapters.faces.venue_keys import VenueKeyView
from trading.adapters.http.fields import PathId
from trading.adapters.http.resolver import ApiResolver
from trading.domain.clients.credentials import CredentialStatus
from trading.usecases.administration.administer_venue_keys import AdministerVenueKeys
from trading.usecases.administration.operator_actions import Operator

KEY = "/api/v1/admin/venues/<venue>/key"
TAGS = ["Administration"]


def add_routes(
    app: ApiResolver,
    venue_keys: AdministerVenueKeys,
    once: Callable[[type[Any], Callable[[], Any]], Response[Any]],
    operator_of: Callable[[Change], Operator],
) -> None:
    """Add the routes. `once` answers a change once for its Idempotency-Key."""

    def set_key(venue: str, request: Change, status: CredentialStatus) -> Response[VenueKeyView]:
        return once(
            VenueKeyView,
            lambda: VenueKeyView.of(venue_keys.set_key(venue, status, operator_of(request))),
        )

    @app.get(KEY, permission="venues:read", summary="Show the key of a venue", tags=TAGS)
    def show_venue_key(venue: PathId) -> VenueKeyView:
        """Whether the reports of an exchange are accepted."""
        return VenueKeyView.of(venue_keys.show(venue))

    @app.put(
        f"{KEY}/disable",
        permission="venues:disable",
        summary="Disable the key of a venue",
        tags=TAGS,
    )
    def disable_venue_key(
        venue: PathId, request: Annotated[Change, Body()]
    ) -> Response[VenueKeyView]:
        """Disable the key with which an exchange signs its reports. From now on its reports are
        refused with 401, and the exchange repeats them. Open orders stand.
        """
        return set_key(venue, request, CredentialStatus.INACTIVE)

    @app.put(
        f"{KEY}/enable",
        permission="venues:enable",
        summary="Enable the key of a venue",
        tags=TAGS,
    )
    def enable_venue_key(
        venue: PathId, request: Annotated[Change, Body()]
    ) -> Response[VenueKeyView]:
        """Accept the reports of an exchange again. Replace a leaked secret first."""
        return set_key(venue, request, CredentialStatus.ACTIVE)
