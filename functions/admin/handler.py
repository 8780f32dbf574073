"""The admin API: clients and their limits, secrets, deposits and withdrawals; halting instruments.
Everything done is audited. Looking things up is not.
"""

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from functions.admin.settings import Settings
from trading.adapters.faces.admin import (
    Change,
    ClientView,
    InstrumentView,
    IssuedSecretView,
    NewClient,
    NewDeposit,
    NewLimits,
    NewWithdrawal,
    ProfileView,
    Rotation,
    SuspensionView,
    TransferView,
)
from trading.adapters.faces.order_file import OrderFile
from trading.adapters.faces.orders import OrdersPage, page
from trading.adapters.http.cursors import Cursor, Limit
from trading.adapters.http.fields import PathId
from trading.adapters.http.idempotency import REPLAYED_HEADER, Answer
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.runtime.clock import now
from trading.adapters.runtime.settings import load
from trading.bootstrap.administration import administration_api
from trading.domain.accounts.valuation import Portfolio
from trading.domain.clients.client import Client
from trading.domain.ledger import Deposit, Withdrawal
from trading.usecases.administration.administer_clients import IssuedSecret
from trading.usecases.administration.administration import Operator
from trading.usecases.orders.list_orders import OrderFilter
from trading.usecases.ports import NotFoundError

TAGS = ["Administration"]

api = administration_api(load(Settings))
app = ApiResolver()


@app.post(
    "/api/v1/admin/clients",
    permission="admin:write",
    status=HTTPStatus.CREATED,
    summary="Create a client",
    tags=TAGS,
)
def create_client(request: Annotated[NewClient, Body()]) -> Response[IssuedSecretView]:
    """Open an account and issue the first API key. Its secret is shown once: a repeated request
    gets the same key without it.

    A secret whose answer was lost is replaced by a rotation with `newest_was_lost`.
    """
    client = Client(
        **request.model_dump(exclude={"reason"}),
        fingerprint=_fingerprint(request.model_dump_json()),
    )
    view, headers = _issue(
        lambda: api.clients.create(client, app.idempotency_key, _operator(request))
    )
    location = {"Location": f"/api/v1/admin/clients/{client.client_id}"}
    return json_response(view, HTTPStatus.CREATED, location | headers)


@app.get(
    "/api/v1/admin/clients/<client_id>", permission="admin:read", summary="Show a client", tags=TAGS
)
def show_client(client_id: PathId) -> ClientView:
    """Profile, limits, balances and API keys."""
    return ClientView.of_file(api.clients.show(client_id))


@app.post(
    "/api/v1/admin/clients/<client_id>/suspension",
    permission="admin:write",
    summary="Suspend a client",
    tags=TAGS,
)
def suspend_client(
    client_id: PathId, request: Annotated[Change, Body()]
) -> Response[SuspensionView]:
    """No log-in and no new orders from now on, and all open orders are being canceled."""

    def suspend() -> SuspensionView:
        client, orders = api.clients.suspend(client_id, _operator(request))
        return SuspensionView(**dict(ProfileView.of(client)), orders_to_cancel=orders)

    return _once(SuspensionView, suspend)


@app.post(
    "/api/v1/admin/clients/<client_id>/activation",
    permission="admin:write",
    summary="Activate a client",
    tags=TAGS,
)
def activate_client(client_id: PathId, request: Annotated[Change, Body()]) -> Response[ProfileView]:
    """Log-in and order entry are open again."""
    return _once(
        ProfileView, lambda: ProfileView.of(api.clients.activate(client_id, _operator(request)))
    )


@app.put(
    "/api/v1/admin/clients/<client_id>/limits",
    permission="admin:write",
    summary="Set limits",
    tags=TAGS,
)
def set_limits(client_id: PathId, request: Annotated[NewLimits, Body()]) -> Response[ProfileView]:
    """All limits at once. 409 VERSION_CONFLICT if the client was changed since its `version` was
    read.

    What is drawn and held stays: under a lower credit limit, nothing new is lent until enough is
    repaid. The credit limit counts at once, the others within ten seconds.
    """

    def set_all() -> ProfileView:
        return ProfileView.of(
            api.clients.set_limits(client_id, request.limits(), request.version, _operator(request))
        )

    return _once(ProfileView, set_all)


@app.post(
    "/api/v1/admin/clients/<client_id>/secret-rotation",
    permission="admin:write",
    summary="Rotate a secret",
    tags=TAGS,
)
def rotate_secret(
    client_id: PathId, request: Annotated[Rotation, Body()]
) -> Response[IssuedSecretView]:
    """A new secret for an API key, shown once. The present one stays valid for the grace time; one
    before that ends at once.

    No answer: repeat the request. If it is answered without the secret, the rotation was made and
    the secret is lost: rotate again, under another key and with `newest_was_lost`, so that the
    secret in use is not the one that ends at once. Tokens that were issued before stay valid for
    their time, 15 minutes.
    """
    rotation = _fingerprint(client_id)
    view, headers = _issue(
        lambda: api.clients.rotate_secret(
            client_id, request.api_key, rotation, request.grace(), _operator(request)
        )
    )
    return json_response(view, headers=headers)


@app.post(
    "/api/v1/admin/clients/<client_id>/deposits",
    permission="admin:write",
    status=HTTPStatus.CREATED,
    summary="Deposit cash or shares",
    tags=TAGS,
)
def deposit(client_id: PathId, request: Annotated[NewDeposit, Body()]) -> Response[TransferView]:
    """Booked once for a client and reference, also under another Idempotency-Key; the reference of
    another deposit is refused.
    """
    return _booked(
        lambda: api.transfers.deposit(
            client_id, request.what(), request.reference, _operator(request)
        )
    )


@app.post(
    "/api/v1/admin/clients/<client_id>/withdrawals",
    permission="admin:write",
    status=HTTPStatus.CREATED,
    summary="Withdraw cash or shares",
    tags=TAGS,
)
def withdraw(
    client_id: PathId, request: Annotated[NewWithdrawal, Body()]
) -> Response[TransferView]:
    """Out of what is settled, free and not owed: 422 NOT_WITHDRAWABLE says what is `lacking`,
    LOAN_NOT_COVERED what the `loan` is that the shares secure. Booked once for a client and
    reference.
    """
    return _booked(
        lambda: api.transfers.withdraw(
            client_id, request.what(), request.reference, _operator(request)
        )
    )


@app.put(
    "/api/v1/admin/instruments/<symbol>/halt",
    permission="admin:write",
    summary="Halt an instrument",
    tags=TAGS,
)
def halt(symbol: PathId, request: Annotated[Change, Body()]) -> Response[InstrumentView]:
    """New orders are rejected with INSTRUMENT_HALTED, by every worker within ten seconds. Orders at
    the exchanges stand.
    """
    return _set_tradable(symbol, request, tradable=False)


@app.put(
    "/api/v1/admin/instruments/<symbol>/resume",
    permission="admin:write",
    summary="Resume an instrument",
    tags=TAGS,
)
def resume(symbol: PathId, request: Annotated[Change, Body()]) -> Response[InstrumentView]:
    """New orders are taken again, by every worker within ten seconds."""
    return _set_tradable(symbol, request, tradable=True)


def _set_tradable(symbol: str, request: Change, *, tradable: bool) -> Response[InstrumentView]:
    return _once(
        InstrumentView,
        lambda: InstrumentView.of(api.halt_instrument(symbol, tradable, _operator(request))),
    )


@app.get(
    "/api/v1/admin/orders/<order_id>",
    permission="admin:read",
    summary="Look up an order",
    tags=TAGS,
)
def look_up_order(order_id: PathId) -> OrderFile:
    """Any client's order: its terms, history and children, its workflow, what it waits for, and
    every ledger entry of its trades.

    Messages in dead-letter queues cannot be searched from here; an order of which one was given up
    has a `review_reason`.
    """
    order = api.books.order(order_id)
    if order is None:
        raise NotFoundError("There is no such order.", field="order_id")
    token_kept = api.books.task_token(order_id) is not None
    return OrderFile.of(
        order, api.books.entries(order.trades), token_kept, api.workflow_of(order_id), now()
    )


@app.get(
    "/api/v1/admin/clients/<client_id>/orders",
    permission="admin:read",
    summary="List a client's orders",
    tags=TAGS,
)
def list_client_orders(
    client_id: PathId,
    state: Annotated[
        Literal["open", "closed"] | None,
        Query(description="`open`: it may still execute; `closed`: no more."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> OrdersPage:
    """Newest first. A page may hold fewer than asked for, or none, and still have a `next_cursor`."""
    wanted = OrderFilter(is_open=None if state is None else state == "open")
    if api.registry.profile(client_id) is None:
        raise NotFoundError("There is no such client.", field="client_id")
    orders, next_cursor = page(api.find_orders, client_id, wanted, limit, cursor)
    return OrdersPage.of(orders, next_cursor)


@app.get(
    "/api/v1/admin/clients/<client_id>/portfolio",
    permission="admin:read",
    summary="Show a client's portfolio",
    tags=TAGS,
)
def show_client_portfolio(client_id: PathId) -> Portfolio:
    """Cash, with its balances, and open positions of one moment, as the client sees them."""
    return api.accounts.portfolio(client_id)


def _operator(request: Change) -> Operator:
    principal = app.principal
    return Operator(who=f"{principal.client_id} ({principal.api_key})", reason=request.reason)


def _fingerprint(*parts: str) -> str:
    """What tells a repeated request from another."""
    return hashlib.sha256(
        "\0".join((app.principal.api_key, app.idempotency_key, *parts)).encode()
    ).hexdigest()[:32]


def _issue(effect: Callable[[], IssuedSecret]) -> tuple[IssuedSecretView, dict[str, str]]:
    """The first answer has the secret; what is kept under the Idempotency-Key has not."""
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


def _booked(transfer: Callable[[], tuple[Deposit | Withdrawal, bool]]) -> Response[TransferView]:
    """Booked before: under this key, or under another one with the same reference."""
    new: list[Deposit | Withdrawal] = []

    def book() -> TransferView:
        entry, booked_before = transfer()
        if not booked_before:
            new.append(entry)
        return TransferView.of(entry)

    outcome = api.idempotency.once(app, app.principal.api_key, TransferView, book)
    return json_response(
        outcome.answer, HTTPStatus.CREATED, {} if new else {REPLAYED_HEADER: "true"}
    )


def _once(answer_type: type[Answer], effect: Callable[[], Answer]) -> Response[Answer]:
    """A late copy of a request must not undo what was asked for since."""
    outcome = api.idempotency.once(app, app.principal.api_key, answer_type, effect)
    return json_response(outcome.answer, headers=outcome.headers)


handler = app.resolve
