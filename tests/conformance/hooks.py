"""The hooks that schemathesis loads: they sign requests, and they use existing ids so that requests
get beyond the first check.
"""

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count, cycle
from math import floor, isfinite
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4
from zlib import crc32

import requests
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from schemathesis import AuthContext, Case, HookContext
from schemathesis.core.failures import Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.openapi.checks import RejectedPositiveData

from local.api import LOG_IN, Credentials
from local.session import REFERENCE_PRICE
from tests.conformance.world import World, log_in
from trading.adapters.http.request_reading import OUT_OF_RANGE
from trading.adapters.identity.request_signatures import sign
from trading.adapters.identity.signature_keys import read_private_key, signer_of
from trading.adapters.venues.signatures import signed_headers
from trading.domain.clients.signed_requests import SignedMessage

WORLD = World.read(Path(os.environ["CONFORMANCE_WORLD"]))
INTERNAL = os.environ["CONFORMANCE_API"] == "internal"
TOKEN_SECONDS = 600
LEFT_ALONE_EVERY = 5
CALLBACKS = "/api/v1/exchange/callbacks"
SIGNATURE_HEADERS = ("Signature-Input", "Signature", "Content-Digest")

_keys = cycle(WORLD.operator_keys if INTERNAL else WORLD.keys)
_login = WORLD.operator_login if INTERNAL else WORLD.login
_url = WORLD.urls["internal" if INTERNAL else "public"]
_tokens: dict[str, tuple[float, str]] = {}
_owners: dict[str, Credentials] = {}
"""Whose token it is."""
_turns = count()
_orders = dict(WORLD.orders)
_cursors: dict[str, dict[str, Any]] = {}


@schemathesis.auth(refresh_interval=None)
class Tokens:
    """Gives a token of the next key, because the rate limit is for each key."""

    def get(self, case: Case[Any], context: AuthContext) -> str | None:
        credentials = next(_keys)
        issued, token = _tokens.get(credentials.api_key, (0.0, ""))
        if time.monotonic() - issued > TOKEN_SECONDS or not token:
            token = log_in(_url, credentials)
            _owners[token] = credentials
            _tokens[credentials.api_key] = (time.monotonic(), token)
        return token

    def set(self, case: Case[Any], data: str, context: AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


class CallerSignature(requests.auth.AuthBase):
    """Signs requests as the caller whose token they have."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        credentials = _owners[str(request.headers["Authorization"]).removeprefix("Bearer ")]
        key = signer_of(credentials.api_secret)
        _sign(request, credentials.api_key, key, ("Authorization", "Idempotency-Key"))
        return request


class LogInSignature(requests.auth.AuthBase):
    """Signs the log-in of the operator as a program does. Another one's is refused for its secret
    before its signature is looked at.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        key = read_private_key(str(_login.private_key))
        _sign(request, _login.api_key, key, ("Idempotency-Key",))
        return request


def _sign(
    request: requests.PreparedRequest, api_key: str, key: Ed25519PrivateKey, covered: Sequence[str]
) -> None:
    """Put a new signature on a request in the place of the one that it has."""
    path, _, query = request.path_url.partition("?")
    message = SignedMessage(
        str(request.method),
        unquote(path[path.index("/api/v1/") :]),
        parse_qsl(query, keep_blank_values=True),
        [(name, str(request.headers[name])) for name in covered],
    )
    for name in SIGNATURE_HEADERS:
        request.headers.pop(name, None)
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else bytes(body)  # type: ignore[arg-type]
    request.headers.update(sign(message, content, api_key, key, datetime.now(UTC), uuid4().hex))


class Signature(requests.auth.AuthBase):
    """Signs requests as an exchange."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        content = (
            body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
        )
        now = int(time.time())
        target = request.path_url[request.path_url.index(CALLBACKS) :]
        secret = WORLD.venue_secret.encode()
        sent = {name: str(value) for name, value in request.headers.items()}
        request.headers.update(
            signed_headers("XNYS", secret, now, request.method or "", target, content, sent)
        )
        return request


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Valid requests mostly name things that exist. Requests that are meant to be invalid stay as
    they are.
    """
    if any(name in case.headers for name in SIGNATURE_HEADERS) and _has_valid_headers(case):
        kwargs["auth"] = CallerSignature()
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if "Idempotency-Key" in case.headers and _mostly(case.headers["Idempotency-Key"]):
        case.headers["Idempotency-Key"] = str(uuid4())
    for name, known in (
        ("order_id", list(_orders)),
        ("trade_id", WORLD.trades),
        ("client_id", [WORLD.subject_id]),
        ("symbol", [WORLD.haltable] if INTERNAL else WORLD.symbols),
    ):
        given = case.path_parameters.get(name)
        if isinstance(given, str) and not given.startswith(("ord_", "trd_")) and _mostly(given):
            case.path_parameters[name] = _one(known, given)
    if "client_order_id" in case.query and _mostly(case.query["client_order_id"]):
        case.query["client_order_id"] = _one(list(_orders.values()), case.query["client_order_id"])
    _paging(case)
    if made := _sensible(case):
        case.body = made
    if case.path == CALLBACKS and "X-Signature" in case.headers:
        kwargs["auth"] = Signature()
    if INTERNAL and case.path == LOG_IN and "Idempotency-Key" in case.headers:
        kwargs["auth"] = LogInSignature()


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: schemathesis.Response) -> None:
    """Remember new orders and next pages, so that later requests name them."""
    if case.method == "GET" and response.status_code == 200 and (following := _following(response)):
        _cursors[case.path] = {**case.query, "cursor": following}
    if (
        case.method in ("POST", "PATCH")
        and "/orders" in case.path
        and response.status_code in (201, 202)
    ):
        _orders[response.json()["order_id"]] = case.headers["Idempotency-Key"]


@schemathesis.hook
def filter_failure(
    context: HookContext, failure: Failure, case: Case[Any], response: schemathesis.Response
) -> bool:
    """Only VALIDATION_FAILED says that the form is wrong. Any other 422 comes from a rule about the
    books or the market. A number that is too long is refused before its field is known, so no
    schema can say it of the fields that a venue may add to a report.
    """
    if not isinstance(failure, RejectedPositiveData):
        return True
    answer = response.json()
    if case.path == CALLBACKS and answer.get("detail") == OUT_OF_RANGE:
        return False
    return bool(response.status_code != 422 or answer["code"] == "VALIDATION_FAILED")


def _has_valid_headers(case: Case[Any]) -> bool:
    """Whether the generator means the headers to be valid. Then they get a valid signature."""
    if case.meta is None or case.meta.generation.mode.is_positive:
        return True
    headers = case.meta.components.get(ParameterLocation.HEADER)
    return headers is None or headers.mode.is_positive


def _paging(case: Case[Any]) -> None:
    """A valid cursor comes from a page with the same query, and a valid period begins before it
    ends.
    """
    if "cursor" in case.query:
        del case.query["cursor"]
        if case.path in _cursors and _mostly(case.query):
            case.query.clear()
            case.query.update(_cursors[case.path])
    first, until = case.query.get("from"), case.query.get("to")
    if isinstance(first, str) and isinstance(until, str):
        begins, ends = datetime.fromisoformat(first), datetime.fromisoformat(until)
        if begins == ends:
            del case.query["to"]
        elif begins > ends:
            case.query.update({"from": until, "to": first})


def _following(response: schemathesis.Response) -> str | None:
    if "json" not in response.headers.get("content-type", [""])[0]:
        return None
    following: str | None = response.json().get("next_cursor")
    return following


def _sensible(case: Case[Any]) -> dict[str, Any] | None:
    if not isinstance(case.body, dict):
        return None
    body: dict[str, Any] = dict(case.body)
    seed = repr(body)
    if case.path == "/api/v1/orders" and next(_turns) % LEFT_ALONE_EVERY:
        symbol = _one(WORLD.symbols, seed)
        size = crc32(seed.encode()) % 20
        near = str((REFERENCE_PRICE[symbol] * (100 - size) / 100).quantize(Decimal("0.01")))
        prices = {
            name: near
            for name in ("price", "stop_price")
            if isinstance(body.get(name), str | int | float)
        }
        return (
            body
            | prices
            | {"client_id": WORLD.client_id, "stock_symbol": symbol, "quantity": size + 1}
        )
    if rounded := {
        name: max(floor(value * 100) / 100, 0.01)
        for name, value in body.items()
        if isinstance(value, float) and isfinite(value * 100)
    }:
        return body | rounded
    if case.path == LOG_IN and _mostly(seed):
        return body | {"api_key": _login.api_key, "api_secret": _login.api_secret}
    return None


def _mostly(seed: object) -> bool:
    return crc32(repr(seed).encode()) % 4 != 0


def _one(known: Any, seed: object) -> Any:
    return known[crc32(repr(seed).encode()) % len(known)]
