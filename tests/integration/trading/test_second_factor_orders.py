"""Orders of a client who wants a second factor, through the API."""

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.api_events import principal, request
from tests.integration.system import System
from tests.integration.trading.orders import new_order, place
from trading.adapters.dynamodb.second_factors import ProfilePolicies

STRONG = {"methods": "pwd otp mfa"}


@pytest.fixture
def careful(system: System) -> System:
    policies = ProfilePolicies(system.dynamodb, "trading-test-clients", system.now)
    policies.set("alice", Decimal("20000.00"))
    return system


def with_second_factor(event: dict[str, Any]) -> dict[str, Any]:
    event["requestContext"]["authorizer"] |= STRONG
    return event


@pytest.mark.parametrize("methods", ["", "pwd", "otp", "pwd otp"])
def test_an_order_above_the_amount_is_refused_without_one(careful: System, methods: str) -> None:
    event = new_order()
    event["requestContext"]["authorizer"] |= {"methods": methods}
    status, body, _ = careful.call("orders", event)
    assert (status, body["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    assert "POST /api/v1/auth/step-up" in body["detail"]
    status, body, _ = careful.call("orders", with_second_factor(new_order()))
    assert (status, body["status"]) == (201, "VALIDATED")


def test_a_verdict_from_before_the_release_has_none(careful: System) -> None:
    event = new_order()
    del event["requestContext"]["authorizer"]["methods"]
    assert careful.call("orders", event)[0] == 403


def test_an_order_below_the_amount_needs_none_and_a_greater_one_in_its_place_does(
    careful: System,
) -> None:
    order_id = place(careful, quantity=80, price="200.00")["order_id"]

    def replacement(key: str) -> dict[str, Any]:
        return request(
            "PATCH",
            f"/api/v1/orders/{order_id}",
            {"quantity": 120},
            headers={"Idempotency-Key": key},
            authorizer=principal("alice", "orders:write"),
        )

    status, body, _ = careful.call("orders", replacement("more"))
    assert (status, body["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    status, body, _ = careful.call("orders", with_second_factor(replacement("more")))
    assert status == 202, body
