"""Who may call which route, by the oracle's own table, and callers who may not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from infra.catalog.routes import INTERNAL_ROUTES, PUBLIC_ROUTES

ORDERS, ADMIN, OPEN_TO_ALL = "/api/v1/orders", "/api/v1/admin", ""
PUBLIC: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("POST", "/api/v1/auth/token"): OPEN_TO_ALL,
        ("POST", "/api/v1/auth/step-up"): "orders:write",
        ("GET", "/api/v1/auth/second-factor"): "orders:read",
        ("POST", "/api/v1/auth/second-factor"): OPEN_TO_ALL,
        ("POST", "/api/v1/auth/second-factor/confirmation"): OPEN_TO_ALL,
        ("PUT", "/api/v1/auth/second-factor/policy"): OPEN_TO_ALL,
        ("POST", ORDERS): "orders:write",
        ("GET", ORDERS): "orders:read",
        ("DELETE", ORDERS): "orders:write",
        ("GET", f"{ORDERS}:by_client_order_id"): "orders:read",
        ("DELETE", f"{ORDERS}:by_client_order_id"): "orders:write",
        ("GET", f"{ORDERS}/{{order_id}}"): "orders:read",
        ("PATCH", f"{ORDERS}/{{order_id}}"): "orders:write",
        ("DELETE", f"{ORDERS}/{{order_id}}"): "orders:write",
        ("GET", "/api/v1/events"): "accounts:read",
        ("GET", "/api/v1/balance"): "accounts:read",
        ("GET", "/api/v1/positions"): "accounts:read",
        ("GET", "/api/v1/positions/{symbol}"): "accounts:read",
        ("GET", "/api/v1/portfolio"): "accounts:read",
        ("GET", "/api/v1/trades"): "accounts:read",
        ("GET", "/api/v1/trade/balance"): "accounts:read",
        ("GET", "/api/v1/trade/portfolio"): "accounts:read",
        ("GET", "/api/v1/transaction-history"): "orders:read",
        ("POST", "/api/v1/place-trade"): "orders:write",
        ("POST", "/api/v1/trade/place"): "orders:write",
        ("GET", "/api/v1/trade/{trade_id}"): "orders:read",
        ("POST", "/api/v1/trade/{trade_id}/cancel"): "orders:write",
        ("GET", "/api/v1/transactions"): "accounts:read",
    }
)
INTERNAL: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("POST", "/api/v1/auth/token"): OPEN_TO_ALL,
        ("POST", "/api/v1/auth/second-factor"): OPEN_TO_ALL,
        ("POST", "/api/v1/auth/second-factor/confirmation"): OPEN_TO_ALL,
        ("POST", "/api/v1/execution/{order_id}"): "execution:write",
        ("POST", "/api/v1/clearing/{trade_id}"): "clearing:write",
        ("POST", "/api/v1/settlement/{trade_id}"): "settlement:write",
        ("POST", f"{ADMIN}/clients"): "clients:write",
        ("GET", f"{ADMIN}/clients/{{client_id}}"): "clients:read",
        ("GET", f"{ADMIN}/clients/{{client_id}}/orders"): "clients:read",
        ("GET", f"{ADMIN}/clients/{{client_id}}/portfolio"): "clients:read",
        ("GET", f"{ADMIN}/orders/{{order_id}}"): "clients:read",
        ("POST", f"{ADMIN}/clients/{{client_id}}/suspension"): "clients:suspend",
        ("POST", f"{ADMIN}/clients/{{client_id}}/activation"): "clients:write",
        ("PUT", f"{ADMIN}/clients/{{client_id}}/limits"): "limits:write",
        ("PUT", f"{ADMIN}/clients/{{client_id}}/signing"): "clients:write",
        ("POST", f"{ADMIN}/clients/{{client_id}}/secret-rotation"): "keys:write",
        ("POST", f"{ADMIN}/clients/{{client_id}}/second-factor-reset"): "keys:write",
        ("POST", f"{ADMIN}/clients/{{client_id}}/deposits"): "transfers:write",
        ("POST", f"{ADMIN}/clients/{{client_id}}/withdrawals"): "transfers:write",
        ("POST", f"{ADMIN}/advances/{{trade_id}}/closure"): "transfers:write",
        ("GET", f"{ADMIN}/proposals"): "proposals:read",
        ("GET", f"{ADMIN}/proposals/{{proposal_id}}"): "proposals:read",
        ("POST", f"{ADMIN}/proposals/{{proposal_id}}/approval"): "proposals:decide",
        ("POST", f"{ADMIN}/proposals/{{proposal_id}}/rejection"): "proposals:decide",
        ("PUT", f"{ADMIN}/instruments/{{symbol}}/halt"): "instruments:write",
        ("PUT", f"{ADMIN}/instruments/{{symbol}}/resume"): "instruments:write",
        ("PUT", f"{ADMIN}/clients/{{client_id}}/keys/{{api_key}}/disable"): "keys:write",
        ("PUT", f"{ADMIN}/clients/{{client_id}}/keys/{{api_key}}/enable"): "keys:write",
        ("PUT", f"{ADMIN}/clients/{{client_id}}/keys/{{api_key}}/public-key"): "keys:write",
        ("GET", f"{ADMIN}/operators/{{operator}}"): "operators:read",
        ("PUT", f"{ADMIN}/operators/{{operator}}/disable"): "operators:write",
        ("PUT", f"{ADMIN}/operators/{{operator}}/enable"): "operators:write",
        ("GET", f"{ADMIN}/venues/{{venue}}/key"): "venues:read",
        ("PUT", f"{ADMIN}/venues/{{venue}}/key/disable"): "venues:disable",
        ("PUT", f"{ADMIN}/venues/{{venue}}/key/enable"): "venues:enable",
    }
)
ROUTES = {"public": (PUBLIC, PUBLIC_ROUTES), "internal": (INTERNAL, INTERNAL_ROUTES)}
PERMISSIONS = {
    api: tuple(sorted({right for right in rights.values() if right}))
    for api, (rights, _) in ROUTES.items()
}


CLOSURE = f"{ADMIN}/advances/{{trade_id}}/closure"
"""Tried when there is an advance: see `advances`."""


class Trespass(NamedTuple):
    """A call that must be refused with `status`. caller: "" for a caller without a token."""

    api: str
    method: str
    path: str
    caller: str
    status: int


def lacking(permission: str) -> str:
    """The name of the caller who may do everything else that an API offers."""
    return f"all-but-{permission.replace(':', '-')}"


def trespasses(client: str, operator: str) -> list[Trespass]:
    """Every route, called without a token, for the other API, and without its permission.

    The routes about advances come in runs that have an advance.
    """
    return [each for each in _trespasses(client, operator) if each.path != CLOSURE]


def of_advances(client: str, operator: str) -> list[Trespass]:
    """The same calls of the routes about advances."""
    return [each for each in _trespasses(client, operator) if each.path == CLOSURE]


def _trespasses(client: str, operator: str) -> list[Trespass]:
    tried = []
    for api, (rights, _) in ROUTES.items():
        stranger = operator if api == "public" else client
        for (method, path), right in rights.items():
            if right != OPEN_TO_ALL:
                tried.append(Trespass(api, method, path, "", 401))
                tried.append(Trespass(api, method, path, stranger, 401))
                tried.append(Trespass(api, method, path, lacking(right), 403))
    return tried
