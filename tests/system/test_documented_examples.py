"""The programs of the documentation do at the deployed system what their pages say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.api import Credentials, TradingClient
from tests.system.conftest import Administer
from tests.system.test_second_factor import Client
from tests.unit.documentation import test_identity_examples as identity
from tests.unit.documentation import test_sign_a_request as sign_a_request
from tests.unit.documentation.example_api import examples, run

WHY = ("--reason", "a test")


def run_as(
    credentials: Credentials, url: str, language: str, code: str, directory: Path, **more: str
) -> str:
    return run(
        language,
        code,
        directory,
        API=url,
        CLIENT_ID=credentials.client_id,
        API_KEY=credentials.api_key,
        API_SECRET=credentials.api_secret,
        **more,
    )


def unique(code: str) -> str:
    """The example with a reference and an Idempotency-Key that no earlier run has used."""
    return code.replace("wire-", f"wire-{uuid4().hex[:8]}-")


@pytest.mark.parametrize("language", ["python", "bash"])
def test_a_client_logs_in_and_places_an_order(
    erin: TradingClient, administer: Administer, api_url: str, tmp_path: Path, language: str
) -> None:
    path = f"clients/{erin.client_id}/deposits"
    administer("POST", path, amount="900.00", reference="cash").raise_for_status()
    (code,) = examples(identity.PAGE, language)
    printed = run_as(erin.credentials, api_url, language, code, tmp_path)
    (order,) = erin.get("/api/v1/orders").json()["items"]
    assert order["order_id"] in printed
    assert order["current_status"] != "REJECTED"


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", sign_a_request.FUNCTIONS + sign_a_request.BY_A_PERSON),
        ("bash", sign_a_request.WITH_CURL),
    ],
)
def test_a_person_signs_with_the_secret(
    internal_url: str, ops: Callable[..., Any], tmp_path: Path, language: str, code: str
) -> None:
    name = f"anna-{uuid4().hex[:8]}"
    made = ops("operators", "create", name, "--role", "transfers", *WHY)
    try:
        credentials = Credentials.model_validate(made | {"client_id": name})
        with httpx.Client(timeout=30) as http:
            anna = Client(http, internal_url, credentials)
            (recovery, *_) = anna.enrol()["recovery_codes"]
        printed = run_as(credentials, internal_url, language, unique(code), tmp_path, CODE=recovery)
        assert "25.00" in printed
    finally:
        ops("operators", "disable", name, *WHY)


def test_a_program_signs_its_log_in_and_its_request(
    internal_url: str, ops: Callable[..., Any], tmp_path: Path
) -> None:
    run("sh", examples(sign_a_request.PAGE, "sh")[0], tmp_path)
    name = f"books-{uuid4().hex[:8]}"
    key = ("--public-key-file", str(tmp_path / "program.pub.pem"))
    made = ops("operators", "create", name, "--role", "transfers", *key, *WHY)
    try:
        credentials = Credentials.model_validate(made | {"client_id": name})
        code = unique(sign_a_request.FUNCTIONS + sign_a_request.BY_A_PROGRAM)
        printed = run_as(credentials, internal_url, "python", code, tmp_path)
        assert "25.00" in printed
    finally:
        ops("operators", "disable", name, *WHY)
