"""The routes that disable and enable API keys, and register public keys."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from trading.adapters.faces.admin import ApiKeyView, Change, NewPublicKey
from trading.adapters.faces.operators import OperatorView
from trading.adapters.http.fields import PathId
from trading.adapters.http.resolver import ApiResolver
from trading.adapters.http.signed_requests import Required
from trading.domain.clients.credentials import CredentialStatus
from trading.usecases.administration.administer_keys import AdministerKeys
from trading.usecases.administration.operator_actions import Operator

KEY = "/api/v1/admin/clients/<client_id>/keys/<api_key>"
OPERATOR = "/api/v1/admin/operators/<operator>"
TAGS = ["Administration"]


def add_routes(
    app: ApiResolver,
    keys: AdministerKeys,
    once: Callable[[type[Any], Callable[[], Any]], Response[Any]],
    operator_of: Callable[[Change], Operator],
) -> None:
    """Add the routes. `once` answers a change once for its Idempotency-Key."""

    def set_key(
        client_id: str, api_key: str, request: Change, status: CredentialStatus
    ) -> Response[ApiKeyView]:
        return once(
            ApiKeyView,
            lambda: ApiKeyView.of(keys.set_key(client_id, api_key, status, operator_of(request))),
        )

    def set_operator(
        name: str, request: Change, status: CredentialStatus
    ) -> Response[OperatorView]:
        return once(
            OperatorView,
            lambda: OperatorView.of(keys.set_operator(name, status, operator_of(request))),
        )

    @app.put(f"{KEY}/disable", permission="keys:write", summary="Disable an API key", tags=TAGS)
    def disable_key(
        client_id: PathId, api_key: PathId, request: Annotated[Change, Body()]
    ) -> Response[ApiKeyView]:
        """Disable an API key of a client. From now on it cannot log in, and its tokens are refused.
        Open orders stand.
        """
        return set_key(client_id, api_key, request, CredentialStatus.INACTIVE)

    @app.put(f"{KEY}/enable", permission="keys:write", summary="Enable an API key", tags=TAGS)
    def enable_key(
        client_id: PathId, api_key: PathId, request: Annotated[Change, Body()]
    ) -> Response[ApiKeyView]:
        """Let an API key log in again. Its earlier tokens stay refused."""
        return set_key(client_id, api_key, request, CredentialStatus.ACTIVE)

    @app.put(
        f"{KEY}/public-key",
        permission="keys:write",
        signature=Required.ALWAYS,
        summary="Register a public key",
        tags=TAGS,
    )
    def set_public_key(
        client_id: PathId, api_key: PathId, request: Annotated[NewPublicKey, Body()]
    ) -> Response[ApiKeyView]:
        """Register the public key of a client's program in the place of the one before, or remove
        it. A log-in that the program signs with the private half counts as two factors, and so its
        token shows a second factor. The tokens of the API key are refused from now on.
        """
        return once(
            ApiKeyView,
            lambda: ApiKeyView.of(
                keys.set_public_key(client_id, api_key, request.public_key, operator_of(request))
            ),
        )

    @app.get(OPERATOR, permission="operators:read", summary="Show an operator", tags=TAGS)
    def show_operator(operator: PathId) -> OperatorView:
        """Status, roles and API keys of an operator. A new operator may be missing for a moment."""
        return OperatorView.of(keys.keys_of(operator))

    @app.put(
        f"{OPERATOR}/disable",
        permission="operators:write",
        summary="Disable an operator",
        tags=TAGS,
    )
    def disable_operator(
        operator: PathId, request: Annotated[Change, Body()]
    ) -> Response[OperatorView]:
        """Disable an operator with every API key. From now on none of them can log in, and their
        tokens are refused. 403 OWN_STATUS: nobody disables oneself.
        """
        return set_operator(operator, request, CredentialStatus.INACTIVE)

    @app.put(
        f"{OPERATOR}/enable",
        permission="operators:write",
        summary="Enable an operator",
        tags=TAGS,
    )
    def enable_operator(
        operator: PathId, request: Annotated[Change, Body()]
    ) -> Response[OperatorView]:
        """Let an operator log in again. Earlier tokens stay refused."""
        return set_operator(operator, request, CredentialStatus.ACTIVE)
