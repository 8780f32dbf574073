"""What operators may do at the deployed system, alone and together."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local import demo, seed
from local.api import TradingClient
from tests.system.conftest import Administer
from tests.system.test_bad_input import assert_problem
from tests.system.test_identity import assert_refused
from workstation.local_system import LocalSystem


@pytest.mark.parametrize(
    ("role", "opened"),
    [
        ("reader", {"look"}),
        ("client-administrator", {"look", "suspend", "activate"}),
        ("transfers", {"look", "deposit"}),
        ("halts", {"suspend", "halt"}),
        ("operations", {"look"}),
        ("operator-administrator", set()),
    ],
)
def test_a_role_opens_its_routes_and_what_it_is_refused_is_audited(
    acting_as: Callable[[str], Administer], ops: Callable[..., Any], role: str, opened: set[str]
) -> None:
    operate = acting_as(role)
    path, answers = f"clients/nobody-{uuid4().hex[:8]}", {}
    for what, method, of in (
        ("look", "GET", path),
        ("suspend", "POST", f"{path}/suspension"),
        ("activate", "POST", f"{path}/activation"),
        ("deposit", "POST", f"{path}/deposits"),
        ("halt", "PUT", f"{path.replace('clients', 'instruments')}/halt"),
    ):
        answers[what] = operate(
            method, of, **({"amount": "1.00", "reference": "r"} if what == "deposit" else {})
        )
    for what, answer in answers.items():
        if what in opened:
            assert_problem(answer, HTTPStatus.NOT_FOUND, "NOT_FOUND")
        else:
            assert_problem(answer, HTTPStatus.FORBIDDEN, "FORBIDDEN")
    refused = ops("audit", "--subject", f"operator/{role}", "--last", "10")
    requests = {entry["details"].get("request_id") for entry in refused}
    assert {
        answer.json()["request_id"] for what, answer in answers.items() if what not in opened
    } <= requests


UNKNOWN = ("INVALID_CREDENTIALS", "LOGIN_LOCKED")
"""What a wrong secret gets. Other tests may have locked this address for wrong secrets."""


def test_the_other_api_does_not_know_a_key(
    erin: TradingClient, system: LocalSystem, api_url: str, internal_url: str
) -> None:
    """The right secret is no better there than a wrong one."""
    operator = seed.credentials(system)["reader"]
    with TradingClient(api_url, operator) as client, pytest.raises(httpx.HTTPStatusError) as wrong:
        client.log_in(str(uuid4()))
    assert wrong.value.response.json()["code"] in UNKNOWN
    with (
        TradingClient(internal_url, erin.credentials) as client,
        pytest.raises(httpx.HTTPStatusError) as wrong,
    ):
        client.log_in(str(uuid4()))
    assert wrong.value.response.json()["code"] in UNKNOWN
    with TradingClient(internal_url, operator) as client:
        client.log_in(str(uuid4()))
        answer = client.get("/api/v1/admin/clients/alice")
    assert answer.status_code == HTTPStatus.OK
    assert int(answer.headers["X-RateLimit-Remaining"]) < int(answer.headers["X-RateLimit-Limit"])


def test_a_large_transfer_needs_a_second_person(
    erin: TradingClient,
    administer: Administer,
    acting_as: Callable[[str], Administer],
    ops: Callable[..., Any],
) -> None:
    path = f"clients/{erin.client_id}/deposits"
    proposed = administer("POST", path, amount="100000.01", reference="much")
    assert proposed.status_code == HTTPStatus.ACCEPTED
    proposal_id = proposed.json()["proposal_id"]
    assert erin.balance().json()["available"] == "0.00"
    own = administer("POST", f"proposals/{proposal_id}/approval")
    assert_problem(own, HTTPStatus.FORBIDDEN, "OWN_PROPOSAL")
    stranger = acting_as("client-administrator")("POST", f"proposals/{proposal_id}/approval")
    assert_problem(stranger, HTTPStatus.FORBIDDEN, "FORBIDDEN")
    second = acting_as("transfers")
    assert second("GET", f"proposals/{proposal_id}").json()["request"]["reference"] == "much"
    approved = second("POST", f"proposals/{proposal_id}/approval")
    assert (approved.status_code, approved.json()["status"]) == (HTTPStatus.OK, "APPROVED")
    assert erin.balance().json()["available"] == "100000.01"
    late = administer("POST", f"proposals/{proposal_id}/rejection")
    assert_problem(late, HTTPStatus.CONFLICT, "PROPOSAL_DECIDED")
    entries = ops("audit", "--subject", f"operator/{demo.SERVICE_ID}", "--last", "10")
    assert proposal_id in {entry["details"].get("proposal_id") for entry in entries}


def test_a_disabled_key_is_refused_at_once_and_its_tokens_stay_ended(
    erin: TradingClient, administer: Administer
) -> None:
    assert erin.balance().status_code == HTTPStatus.OK
    (key,) = administer("GET", f"clients/{erin.client_id}").json()["api_keys"]
    path = f"clients/{erin.client_id}/keys/{key['api_key']}"
    administer("PUT", f"{path}/disable").raise_for_status()
    assert_refused(erin.balance())
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        erin.log_in(str(uuid4()))
    administer("PUT", f"{path}/enable").raise_for_status()
    assert_refused(erin.balance())
    erin.log_in(str(uuid4()))
    assert erin.balance().status_code == HTTPStatus.OK


def test_a_disabled_operator_is_refused_at_once_and_comes_back_with_a_new_token(
    acting_as: Callable[[str], Administer], administer: Administer
) -> None:
    before = acting_as("reader")
    assert before("GET", "clients/alice").status_code == HTTPStatus.OK
    administer("PUT", "operators/reader/disable").raise_for_status()
    assert before("GET", "clients/alice").status_code == HTTPStatus.UNAUTHORIZED
    administer("PUT", "operators/reader/enable").raise_for_status()
    assert before("GET", "clients/alice").status_code == HTTPStatus.UNAUTHORIZED
    assert acting_as("reader")("GET", "clients/alice").status_code == HTTPStatus.OK


def test_nobody_disables_oneself(administer: Administer) -> None:
    answer = administer("PUT", f"operators/{demo.SERVICE_ID}/disable")
    assert_problem(answer, HTTPStatus.FORBIDDEN, "OWN_STATUS")
    assert administer("GET", f"operators/{demo.SERVICE_ID}").json()["status"] == "ACTIVE"


@pytest.mark.parametrize("part", ["", "/orders", "/portfolio"])
def test_a_look_at_a_client_is_in_the_audit_log(
    administer: Administer, ops: Callable[..., Any], part: str
) -> None:
    answer = administer("GET", f"clients/alice{part}")
    assert answer.status_code == HTTPStatus.OK
    looks = ops("audit", "--looks", "--last", "20")
    (look,) = [
        entry
        for entry in looks
        if entry["details"].get("correlation_id") == answer.headers["X-Correlation-Id"]
    ]
    assert (look["subject"], look["action"]) == ("client/alice", "look")
    assert look["who"].startswith(f"{demo.SERVICE_ID} (")
