"""The examples of docs/how-to/sign-a-request.md sign as the API wants it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.documentation.example_api import (
    LOG_IN,
    TOKEN,
    Received,
    examples,
    listening,
    run,
    run_failing,
)
from trading.adapters.faces.auth import TokenRequest
from trading.adapters.identity.request_signatures import verify
from trading.adapters.identity.signature_keys import public_key_of, read_public_key
from trading.domain.clients.signed_requests import LOG_IN_COVERED

PAGE = "how-to/sign-a-request.md"
SECRET = "the secret/of+an=operator"
KEY = "operations-1"
CODE = "492039"
ENVIRONMENT = {"API_KEY": KEY, "API_SECRET": SECRET, "CODE": CODE}
WITHDRAWALS = "/api/v1/admin/clients/alice/withdrawals"
FUNCTIONS, BY_A_PERSON, BY_A_PROGRAM = examples(PAGE, "python")
(WITH_CURL,) = examples(PAGE, "bash")


def sent_by(language: str, code: str, directory: Path) -> tuple[Received, Received]:
    """The log-in and the withdrawal of an example."""
    reference = {"python": "wire-python", "bash": "wire-curl"}
    with listening({"reference": reference[language]}) as api:
        printed = run(language, code, directory, API=api.url, **ENVIRONMENT)
    assert reference[language] in printed
    log_in, withdrawal = api.received
    assert (log_in.path, withdrawal.path) == (LOG_IN, WITHDRAWALS)
    assert withdrawal.header("authorization") == f"Bearer {TOKEN}"
    return log_in, withdrawal


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("language", "code"), [("python", FUNCTIONS + BY_A_PERSON), ("bash", WITH_CURL)]
)
def test_a_person_logs_in_with_a_code_and_signs_with_the_secret(
    tmp_path: Path, language: str, code: str
) -> None:
    log_in, withdrawal = sent_by(language, code, tmp_path)
    assert log_in.header("signature") is None
    sent = TokenRequest.model_validate_json(log_in.body)
    assert sent == TokenRequest(api_key=KEY, api_secret=SECRET, code=CODE)
    keys = [public_key_of(SECRET)]
    assert verify(withdrawal.message, withdrawal.body, KEY, keys, datetime.now(UTC))


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("language", "code"), [("python", FUNCTIONS + BY_A_PERSON), ("bash", WITH_CURL)]
)
def test_an_example_ends_when_its_log_in_is_refused(
    tmp_path: Path, language: str, code: str
) -> None:
    with listening({}) as api:
        api.refusal = "SECOND_FACTOR_REQUIRED"
        printed = run_failing(language, code, tmp_path, API=api.url, **ENVIRONMENT)
    assert [each.path for each in api.received] == [LOG_IN]
    assert language == "bash" or "SECOND_FACTOR_REQUIRED" in printed


@pytest.mark.enable_socket
def test_a_program_signs_its_log_in_and_its_request_with_the_key_pair_of_the_page(
    tmp_path: Path,
) -> None:
    new_key_pair = examples(PAGE, "sh")[0]
    run("sh", new_key_pair, tmp_path)
    keys = [read_public_key((tmp_path / "program.pub.pem").read_text())]
    log_in, withdrawal = sent_by("python", FUNCTIONS + BY_A_PROGRAM, tmp_path)
    sent = TokenRequest.model_validate_json(log_in.body)
    assert sent == TokenRequest(api_key=KEY, api_secret=SECRET)
    now = datetime.now(UTC)
    assert verify(log_in.message, log_in.body, KEY, keys, now, LOG_IN_COVERED)
    assert verify(withdrawal.message, withdrawal.body, KEY, keys, now)
