"""Requests that the venues refuse leave no trace, so these tests share one world."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.simulators.test_depository_api import (
    NOTHING,
    balances,
    confirmations,
    settle,
)
from tests.integration.simulators.world import World, running_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with running_world() as world:
        yield world


@pytest.mark.parametrize(
    "changes",
    [
        {"key_id": "XNAS"},
        {"secret": "guessed"},
        {"X-Signature": "0" * 64},
        {"X-Signature": "é"},
        {"X-Timestamp": "soon"},
        {"X-Timestamp": "1767625200"},
        {"X-Key-Id": "depository"},
    ],
)
def test_an_unauthentic_request_is_refused_with_a_problem_document(
    world: World, changes: dict[str, str]
) -> None:
    answer = world.post(world.order(), **changes)
    assert (answer.status, answer.content_type) == (401, "application/problem+json")
    assert set(answer.body) == {"type", "title", "status", "code", "detail", "request_id"}
    assert (answer.body["code"], answer.body["request_id"]) == ("UNAUTHENTICATED", "request-1")
    assert world.status().status == 404


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "NONE"}, "UNKNOWN_SYMBOL"),
        ({"limit_price": "230.001"}, "BAD_PRICE"),
        ({"limit_price": 230.5}, "INVALID_REQUEST"),
        ({"limit_price": "NaN"}, "INVALID_REQUEST"),
        ({"quantity": 0}, "INVALID_REQUEST"),
        ({"quantity": 2_000_000}, "BAD_QUANTITY"),
        ({"time_in_force": "OPG"}, "INVALID_REQUEST"),
        ({"stop_price": "1.001"}, "BAD_PRICE"),
        ({"display_quantity": 1}, "INVALID_REQUEST"),
        ({"client_order_id": "../ord"}, "BAD_ORDER_ID"),
        ({"callback_url": "ftp://127.0.0.1/api/v1/exchange/callbacks"}, "BAD_CALLBACK_URL"),
        ({"callback_url": "https://127.0.0.1/elsewhere"}, "BAD_CALLBACK_URL"),
    ],
)
def test_an_unacceptable_order_is_refused_and_not_stored(
    world: World, changes: dict[str, Any], code: str
) -> None:
    answer = world.submit(**changes)
    assert (answer.status, answer.body["code"]) == (422, code)
    assert (world.status().status, world.invocations, world.open_work()) == (404, [], [])


def test_bodies_must_be_json_of_bounded_length(world: World) -> None:
    assert world.post("{").body["code"] == "NOT_JSON"
    assert world.post(json.dumps({"client_order_id": "x" * 20_000})).status == 413


def test_an_unknown_resource_is_not_found(world: World) -> None:
    def get(path: str) -> int:
        return world.request(world.exchange_api, "GET", path, key_id="XNYS").status

    assert [get("/nothing"), get("/quotes/NONE"), get("/exchanges/XNYS/orders/none")] == [
        404,
        404,
        404,
    ]
    assert get("/exchanges/XLON/orders/none") == 401


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"settlement_date": "2026-02-30"},
        {"settlement_date": "20260106"},
        {"settlement_date": "2026-01-06", "cursor": "?"},
        {"settlement_date": "2026-01-06", "cursor": "A"},
        {"settlement_date": "2026-01-06", "limit": "5"},
    ],
)
def test_an_invalid_query_is_refused(world: World, query: dict[str, str]) -> None:
    assert confirmations(world, **query).status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"settlement_date": "06.01.2026"},
        {"settlement_date": 20459},
        {"settlement_date": "2026-10-12"},
        {"settlement_date": "2026-11-11"},
        {"settlement_date": "2026-11-28"},
        {"amount": 1.5},
        {"quantity": -1},
    ],
)
def test_an_invalid_instruction_is_refused(world: World, changes: dict[str, Any]) -> None:
    assert (settle(world, **changes).status, balances(world)) == (422, NOTHING)
