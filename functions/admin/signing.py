"""The route that says whether a client signs its orders."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from trading.adapters.faces.admin import Change, ProfileView, Signing
from trading.adapters.http.fields import PathId
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.http.signed_requests import Required
from trading.usecases.administration.administer_clients import AdministerClients
from trading.usecases.administration.operator_actions import Operator


def add_routes(
    app: ApiResolver,
    clients: AdministerClients,
    once: Callable[[type[Any], Callable[[], Any]], Response[Any]],
    operator_of: Callable[[Change], Operator],
) -> None:
    """Add the route. `once` answers a change once for its Idempotency-Key."""

    @app.put(
        "/api/v1/admin/clients/<client_id>/signing",
        permission="clients:write",
        signature=Required.ALWAYS,
        summary="Require signed orders",
        tags=["Administration"],
    )
    def set_signing(
        client_id: PathId, request: Annotated[Signing, Body()]
    ) -> Response[ProfileView]:
        """Say whether each request of the client that places, replaces or cancels orders must be
        signed. Within ten seconds, every worker applies it.
        """
        return once(
            ProfileView,
            lambda: ProfileView.of(
                clients.set_signing(client_id, request.required, operator_of(request))
            ),
        )
