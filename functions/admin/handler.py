"""The admin API: clients, limits, secrets, deposits, withdrawals, advances and halts of
instruments.

The audit log records every change, and every look at a client.
"""

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from functions.admin import (
    instruments,
    keys,
    second_factors,
    second_person,
    signing,
    venue_keys,
)
from functions.admin.settings import Settings
from trading.adapters.faces.admin import (
    Change,
    ClientView,
    IssuedSecretView,
    NewClient,
    ProfileView,
    Rotation,
    SuspensionView,
)
from trading.adapters.faces.order_file import OrderFile
from trading.adapters.faces.orders import OrdersPage, page
from trading.adapters.http.cursors import Cursor, Limit
from trading.adapters.http.digests import digest
from trading.adapters.http.fields import PathId
from trading.adapters.http.idempotency import REPLAYED_HEADER, Answer
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.http.signed_requests import Required
from trading.adapters.runtime.clock import now
from trading.adapters.runtime.settings import load
from trading.bootstrap.administration import administration_api
from trading.domain.accounts.valuation import Portfolio
from trading.domain.clients.client import Client
from trading.usecases.administration.administer_clients import IssuedSecret
from trading.usecases.administration.operator_actions import Operator
from trading.usecases.orders.list_orders import OrderFilter
from trading.usecases.ports import NotFoundError

TAGS = ["Administration"]

settings = load(Settings)
api = administration_api(settings)
app = ApiResolver(
    api.throttle,
    origins=settings.origins,
    on_forbidden=api.record.refused,
    signed=api.signed,
)


@app.post(
    "/api/v1/admin/clients",
    permission="clients:write",
    status=HTTPStatus.CREATED,
    summary="Create a client",
    tags=TAGS,
)
def create_client(request: Annotated[NewClient, Body()]) -> Response[IssuedSecretView]:
    """Open an account and issue its first API key. Only the first answer has the secret. A repeated
    request gets the same key without it.

    If the first answer was lost, rotate the secret with `newest_was_lost`. 422
    SECOND_PERSON_REQUIRED says up to which `limit` one operator may set the limits of a new client.
    """
    client = Client(
        **request.model_dump(exclude={"reason"}),
        fingerprint=_fingerprint(digest(request)),
    )

    def create() -> IssuedSecret:
        api.second_person.check_new(client)
        return api.clients.create(client, _operator(request))

    view, headers = _issue(create)
    location = {"Location": f"/api/v1/admin/clients/{client.client_id}"}
    return json_response(view, HTTPStatus.CREATED, location | headers)


@app.get(
    "/api/v1/admin/clients/<client_id>",
    permission="clients:read",
    summary="Show a client",
    tags=TAGS,
)
def show_client(client_id: PathId) -> ClientView:
    """Profile, limits, balances and API keys."""
    api.record.look(app, client_id, "profile")
    return ClientView.of_file(api.clients.show(client_id))


@app.post(
    "/api/v1/admin/clients/<client_id>/suspension",
    permission="clients:suspend",
    summary="Suspend a client",
    tags=TAGS,
)
def suspend_client(
    client_id: PathId, request: Annotated[Change, Body()]
) -> Response[SuspensionView]:
    """Suspend a client. From now on the client cannot log in or place orders, and its tokens are
    refused. Its open orders are being canceled.
    """

    def suspend() -> SuspensionView:
        client, orders = api.clients.suspend(client_id, _operator(request))
        return SuspensionView(**dict(ProfileView.of(client)), orders_to_cancel=orders)

    return _once(SuspensionView, suspend)


@app.post(
    "/api/v1/admin/clients/<client_id>/activation",
    permission="clients:write",
    summary="Activate a client",
    tags=TAGS,
)
def activate_client(client_id: PathId, request: Annotated[Change, Body()]) -> Response[ProfileView]:
    """Allow the client to log in and to place orders again."""
    return _once(
        ProfileView, lambda: ProfileView.of(api.clients.activate(client_id, _operator(request)))
    )


@app.post(
    "/api/v1/admin/clients/<client_id>/secret-rotation",
    permission="keys:write",
    signature=Required.ALWAYS,
    summary="Rotate a secret",
    tags=TAGS,
)
def rotate_secret(
    client_id: PathId, request: Annotated[Rotation, Body()]
) -> Response[IssuedSecretView]:
    """Issue a new secret for an API key. Only the first answer has it. The present secret stays
    valid for the grace time. The secret before it ends immediately.

    If there was no answer, repeat the request. A repetition that is answered without a secret means
    that the rotation was made and the secret is lost. Then rotate again under another
    Idempotency-Key with `newest_was_lost`, so that the secret in use does not end. If a secret ends
    immediately, all tokens of the key end with it.
    """
    rotation = _fingerprint(client_id, digest(request))
    view, headers = _issue(
        lambda: api.clients.rotate_secret(
            client_id, request.api_key, rotation, request.grace(), _operator(request)
        )
    )
    return json_response(view, headers=headers)


@app.get(
    "/api/v1/admin/orders/<order_id>",
    permission="clients:read",
    summary="Look up an order",
    tags=TAGS,
)
def look_up_order(order_id: PathId) -> OrderFile:
    """Any client's order: its terms, history, children and workflow, what it waits for, and the
    ledger entries of its trades.

    This does not search the dead-letter queues. An order with a message in one of them has a
    `review_reason`.
    """
    order = api.books.order(order_id)
    if order is None:
        api.record.look_for_order(app, order_id)
        raise NotFoundError("There is no such order.", field="order_id")
    api.record.look(app, order.client_id, "order", order_id=order_id)
    return OrderFile.of(order, api.books.entries(order.trades), api.failed_runs(order), now())


@app.get(
    "/api/v1/admin/clients/<client_id>/orders",
    permission="clients:read",
    summary="List a client's orders",
    tags=TAGS,
)
def list_client_orders(
    client_id: PathId,
    state: Annotated[
        Literal["open", "closed"] | None,
        Query(description="`open`: may still execute. `closed`: can no longer execute."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> OrdersPage:
    """A client's orders, newest first.
    A page may be short or empty and still have a `next_cursor`.
    """
    wanted = OrderFilter(is_open=None if state is None else state == "open")
    api.record.look(app, client_id, "orders")
    _check_client(client_id)
    orders, next_cursor = page(api.find_orders, client_id, wanted, limit, cursor)
    return OrdersPage.of(orders, next_cursor)


@app.get(
    "/api/v1/admin/clients/<client_id>/portfolio",
    permission="clients:read",
    summary="Show a client's portfolio",
    tags=TAGS,
)
def show_client_portfolio(client_id: PathId) -> Portfolio:
    """Cash and open positions at one moment, as the client sees them."""
    api.record.look(app, client_id, "portfolio")
    _check_client(client_id)
    return api.accounts.portfolio(client_id)


def _check_client(client_id: str) -> None:
    if api.registry.profile(client_id) is None:
        raise NotFoundError("There is no such client.", field="client_id")


def _operator(request: Change) -> Operator:
    return Operator(name=app.principal.client_id, who=app.principal.who, reason=request.reason)


def _fingerprint(*parts: str) -> str:
    """Tells a repeated request from another one."""
    return hashlib.sha256(
        "\0".join((app.principal.api_key, app.idempotency_key, *parts)).encode()
    ).hexdigest()[:32]


def _issue(effect: Callable[[], IssuedSecret]) -> tuple[IssuedSecretView, dict[str, str]]:
    """The first answer contains the secret. The record under the Idempotency-Key does not."""
    secrets: list[str] = []

    def issue() -> IssuedSecretView:
        issued = effect()
        if issued.secret:
            secrets.append(issued.secret)
        return IssuedSecretView.of(issued)

    outcome = api.idempotency.once(app, app.principal.api_key, IssuedSecretView, issue)
    if secrets:
        return outcome.answer.with_secret(secrets[0]), outcome.headers
    return outcome.answer, {REPLAYED_HEADER: "true"}


def _once(answer_type: type[Answer], effect: Callable[[], Answer]) -> Response[Answer]:
    """Run the effect once a key, because a late copy of a request must not undo a newer one."""
    outcome = api.idempotency.once(app, app.principal.api_key, answer_type, effect)
    return json_response(outcome.answer, headers=outcome.headers)


instruments.add_routes(app, api.halt_instrument, _once, _operator)
keys.add_routes(app, api.keys, _once, _operator)
second_person.add_routes(app, api, _operator)
signing.add_routes(app, api.clients, _once, _operator)
venue_keys.add_routes(app, api.venue_keys, _once, _operator)
second_factors.add_routes(app, api.reset_second_factor, _once, _operator)
handler = app.resolve
