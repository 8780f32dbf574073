"""The route that ends the second factor of a client who has lost it."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from trading.adapters.faces.admin import Change, SecondFactorReset
from trading.adapters.http.fields import PathId
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.http.signed_requests import Required
from trading.usecases.administration.operator_actions import Operator
from trading.usecases.administration.reset_second_factor import ResetSecondFactor


def add_routes(
    app: ApiResolver,
    reset: ResetSecondFactor,
    once: Callable[[type[Any], Callable[[], Any]], Response[Any]],
    operator_of: Callable[[Change], Operator],
) -> None:
    """Add the route. `once` answers a change once for its Idempotency-Key."""

    @app.post(
        "/api/v1/admin/clients/<client_id>/second-factor-reset",
        permission="keys:write",
        signature=Required.ALWAYS,
        summary="Reset a second factor",
        tags=["Administration"],
    )
    def reset_second_factor(
        client_id: PathId, request: Annotated[Change, Body()]
    ) -> Response[SecondFactorReset]:
        """End the second factor of a client who has lost the authenticator and the recovery codes.
        Make sure first that it is the client who asks. Orders that need a second factor are refused
        until the client has enrolled a new one.
        """

        def effect() -> SecondFactorReset:
            reset(client_id, operator_of(request))
            return SecondFactorReset(client_id=client_id)

        return once(SecondFactorReset, effect)
