"""Identity at the deployed system: what ends a token, and who is no client."""

import base64
import hmac
import itertools
import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from local import demo, seed
from local.api import Credentials, TradingClient
from local.aws_client import aws_client
from tests.system.conftest import Administer
from tests.system.test_bad_input import assert_problem
from tests.system.waiting import wait_for
from workstation.local_system import LocalSystem

BALANCE = "/api/v1/balance"
SECONDS_TO_LIVE = (10, 40, 160)


def assert_refused(answer: httpx.Response) -> None:
    assert_problem(answer, HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED")


def again(api_url: str, erin: TradingClient, issued: dict[str, Any]) -> httpx.Response:
    """The balance under a new token."""
    with TradingClient(api_url, Credentials.model_validate(issued)) as client:
        client.log_in(str(uuid4()))
        return client.balance()


def test_a_suspension_ends_the_tokens_although_their_verdict_is_kept(
    erin: TradingClient, administer: Administer
) -> None:
    assert erin.balance().status_code == HTTPStatus.OK
    administer("POST", f"clients/{erin.client_id}/suspension").raise_for_status()
    assert_refused(erin.balance())
    assert_refused(erin.get("/api/v1/orders"))
    assert_refused(erin.place({}, str(uuid4())))
    administer("POST", f"clients/{erin.client_id}/activation").raise_for_status()
    assert_refused(erin.balance())
    erin.log_in(str(uuid4()))
    assert erin.balance().status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("how", "ends"),
    [({"grace_hours": 0}, True), ({"newest_was_lost": True}, True), ({"grace_hours": 1}, False)],
)
def test_tokens_end_with_their_secret(
    erin: TradingClient, api_url: str, administer: Administer, how: dict[str, Any], ends: bool
) -> None:
    assert erin.balance().status_code == HTTPStatus.OK
    (key,) = administer("GET", f"clients/{erin.client_id}").json()["api_keys"]
    path = f"clients/{erin.client_id}/secret-rotation"
    issued = administer("POST", path, api_key=key["api_key"], **how).raise_for_status().json()
    old = erin.balance()
    assert old.status_code == (HTTPStatus.UNAUTHORIZED if ends else HTTPStatus.OK)
    assert again(api_url, erin, issued).status_code == HTTPStatus.OK


Sign = Callable[..., str]


@pytest.fixture
def resigned(erin: TradingClient, system: LocalSystem) -> Sign:
    """A token of erin, signed again by a key of the deployment with other claims.

    `header` replaces fields of the header. The key is that of the token, or the one of the id
    `signer`.
    """
    token = erin.log_in(str(uuid4()))
    kms = aws_client(system, "kms")

    def sign(header: dict[str, Any] | None = None, signer: str = "", **claims: Any) -> str:
        stated = jwt.get_unverified_header(token) | (header or {})
        known = jwt.decode(token, options={"verify_signature": False}) | claims
        text = f"{encoded(json.dumps(stated).encode())}.{encoded(json.dumps(known).encode())}"
        signed = kms.generate_mac(
            KeyId=signer or stated["kid"], Message=text.encode(), MacAlgorithm="HMAC_SHA_256"
        )
        return f"{text}.{encoded(signed['Mac'])}"

    return sign


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def test_each_api_takes_only_what_the_key_of_its_audience_has_signed(
    erin: TradingClient, system: LocalSystem, api_url: str, internal_url: str, resigned: Sign
) -> None:
    """Each key signs tokens with the claims of both audiences, under the ids of both keys."""
    operator = seed.credentials(system)[demo.SERVICE_ID]
    with TradingClient(internal_url, operator) as service:
        internal = service.log_in(str(uuid4()))
    claims = {
        audience: jwt.decode(token, options={"verify_signature": False})
        for audience, token in (("public", resigned()), ("internal", internal))
    }
    ids = {
        "public": jwt.get_unverified_header(resigned())["kid"],
        "internal": jwt.get_unverified_header(internal)["kid"],
    }
    paths = {
        "public": f"{api_url}{BALANCE}",
        "internal": f"{internal_url}/api/v1/admin/clients/{erin.client_id}",
    }
    for api, url in paths.items():
        for signer, stated, kid in itertools.product(ids, claims, ids):
            token = resigned({"kid": ids[kid]}, ids[signer], **claims[stated])
            answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
            if signer == stated == kid == api:
                assert answer.status_code == HTTPStatus.OK, answer.text
            else:
                assert_refused(answer)


def test_a_key_of_kms_is_no_secret_that_somebody_could_guess(
    erin: TradingClient, resigned: Sign
) -> None:
    header, claims, _ = resigned().split(".")
    kid = jwt.get_unverified_header(resigned())["kid"]
    forged = [
        f"{header}.{claims}.",
        f"{header}.{claims}.{encoded(bytes(32))}",
        *(
            f"{header}.{claims}."
            + encoded(hmac.digest(secret.encode(), f"{header}.{claims}".encode(), "sha256"))
            for secret in (kid, f"alias/{kid}", "trading-api", "")
        ),
        resigned({"alg": "none"}).rpartition(".")[0] + ".",
        *(resigned({"alg": algorithm}) for algorithm in ("HS384", "HS512", "ES256", "RS256")),
        *(resigned({"typ": kind}) for kind in ("JWT", "")),
    ]
    for token in forged:
        erin.use_token(token)
        assert_refused(erin.balance())
    for unknown in ("", "../" + kid, kid.upper(), str(uuid4())):
        erin.use_token(resigned({"kid": unknown}, kid))
        assert_refused(erin.balance())
    erin.use_token(resigned())
    assert erin.balance().status_code == HTTPStatus.OK


def use_short_lived(erin: TradingClient, resigned: Sign) -> int:
    """Use a token once, and return its end. It lives longer where requests take longer."""
    for seconds in SECONDS_TO_LIVE:
        ends = int(time.time()) + seconds
        erin.use_token(resigned(exp=ends))
        if erin.balance().status_code == HTTPStatus.OK:
            return ends
    raise AssertionError("no token was accepted before its end")


def test_exp_is_the_end_although_the_verdict_is_kept(erin: TradingClient, resigned: Sign) -> None:
    ends = use_short_lived(erin, resigned)
    refused = wait_for(
        lambda: answer if (answer := erin.balance()).status_code != HTTPStatus.OK else None,
        "the end of the token",
    )
    assert_refused(refused)
    assert time.time() >= ends - 1
    assert_refused(erin.place({}, str(uuid4())))


@pytest.mark.parametrize("years", [1 / 365, 1, 100])
def test_a_token_that_claims_a_long_life_is_refused(
    erin: TradingClient, resigned: Sign, years: float
) -> None:
    erin.use_token(resigned(exp=int(time.time() + years * 365 * 86400)))
    assert_refused(erin.balance())
    erin.use_token(resigned())
    assert erin.balance().status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("method", "change", "body"),
    [
        ("POST", "suspension", {}),
        ("POST", "activation", {}),
        (
            "PUT",
            "limits",
            {
                "version": 1,
                "margin_percent": "50.00",
                "credit_limit": "1.00",
                "daily_trading_limit": "1.00",
            },
        ),
        ("POST", "deposits", {"reference": "r", "amount": "1.00"}),
        ("POST", "withdrawals", {"reference": "r", "amount": "1.00"}),
        ("POST", "secret-rotation", {"grace_hours": 0}),
    ],
)
def test_an_operator_or_a_venue_is_not_a_client(
    system: LocalSystem, administer: Administer, method: str, change: str, body: dict[str, Any]
) -> None:
    operator = seed.credentials(system)[demo.SERVICE_ID]
    for client_id in (operator.client_id, operator.api_key, "XNYS", "depository", "nobody"):
        for api_key in (operator.api_key, "XNYS", "depository"):
            sent = body | ({"api_key": api_key} if change == "secret-rotation" else {})
            answer = administer(method, f"clients/{client_id}/{change}", **sent)
            assert_problem(answer, HTTPStatus.NOT_FOUND, "NOT_FOUND")
            if change != "secret-rotation":
                break
    administer("GET", "clients/alice").raise_for_status()


@pytest.mark.parametrize("name", [demo.SERVICE_ID, "XNYS", "depository", "lending"])
def test_no_client_is_created_under_the_name_of_another_party(
    administer: Administer, name: str
) -> None:
    answer = administer(
        "POST",
        "clients",
        client_id=name,
        name="Mallory",
        daily_trading_limit="1000.00",
        settlement_account="csd-mallory",
    )
    assert_problem(answer, HTTPStatus.CONFLICT, "CLIENT_ID_RESERVED")
