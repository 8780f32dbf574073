"""What counts as a second factor of a program: a log-in signed with the registered key only."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from botocore.exceptions import ReadTimeoutError

from tests.fakes.api_events import request
from tests.fakes.builders import NOW
from tests.fakes.signing import signed_log_in, with_headers
from trading.adapters.http.problems import HttpError
from trading.adapters.http.request_reading import raw_body
from trading.adapters.http.signature_check import Signatures, verify_log_in
from trading.adapters.identity import passwords
from trading.adapters.identity.request_signatures import verify
from trading.adapters.identity.signature_keys import new_key_pair, public_key_of, signer_of
from trading.domain.clients.credentials import Credential
from trading.domain.clients.signed_requests import SignatureError

SECRET = "the secret of a program"
PEM, PUBLIC = new_key_pair()
OTHER_PEM, OTHER_PUBLIC = new_key_pair()
CREDENTIAL = Credential(
    api_key="key-program",
    client_id="program",
    secrets=(passwords.stored(SECRET),),
    permissions=(),
    public_key=PUBLIC,
)
LOG_IN = request("POST", "/api/v1/auth/token", {"api_key": "key-program", "api_secret": SECRET})


class Nonces:
    def __init__(self) -> None:
        self.used: set[tuple[str, str]] = set()
        self.error: Exception | None = None

    def use(self, api_key: str, nonce: str) -> None:
        if self.error:
            raise self.error
        if (api_key, nonce) in self.used:
            raise SignatureError("The nonce came before.")
        self.used.add((api_key, nonce))


@pytest.fixture
def nonces() -> Nonces:
    return Nonces()


Judge = Callable[..., bool]


@pytest.fixture
def judge(nonces: Nonces) -> Judge:
    def judged(event: dict[str, Any], credential: Credential = CREDENTIAL) -> bool:
        sent = APIGatewayProxyEvent(event)
        signatures = Signatures(nonces.use, lambda: verify, lambda: NOW)
        return verify_log_in(signatures, sent, raw_body(sent), credential)

    return judged


def signed(pem: str = PEM, **options: Any) -> dict[str, Any]:
    return signed_log_in(LOG_IN, pem, **{"now": NOW, "api_key": "key-program"} | options)


def refused(judge: Judge, event: dict[str, Any], credential: Credential = CREDENTIAL) -> HttpError:
    with pytest.raises(HttpError) as error:
        judge(event, credential)
    assert (error.value.status, error.value.code) == (401, "INVALID_SIGNATURE")
    return error.value


def test_the_registered_key_signs_a_log_in(judge: Judge, nonces: Nonces) -> None:
    assert judge(signed(nonce="0123456789abcdef"))
    assert nonces.used == {("key-program", "0123456789abcdef")}


def test_without_a_signature_there_is_none(judge: Judge, nonces: Nonces) -> None:
    for credential in (CREDENTIAL, CREDENTIAL.with_public_key(None)):
        assert judge(LOG_IN, credential) is False
    assert not nonces.used


def test_the_key_that_is_derived_from_the_secret_does_not_count(
    judge: Judge, nonces: Nonces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has stolen the secret has that key too."""
    monkeypatch.setattr("tests.fakes.signing.read_private_key", signer_of)
    derived = signed(SECRET)
    assert public_key_of(SECRET) in CREDENTIAL.valid_public_keys(NOW)
    refused(judge, derived)
    refused(judge, derived, CREDENTIAL.with_public_key(None))
    assert not nonces.used


def test_a_signature_is_refused_while_nothing_is_registered(judge: Judge) -> None:
    """It is not taken for a log-in without one: its program would not notice."""
    refused(judge, signed(), CREDENTIAL.with_public_key(None))


def test_after_a_replacement_the_new_key_signs_and_the_old_one_no_more(judge: Judge) -> None:
    replaced = CREDENTIAL.with_public_key(OTHER_PUBLIC)
    refused(judge, signed(), replaced)
    assert judge(signed(OTHER_PEM), replaced)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda event: event | {"body": event["body"].replace("program", "another")}, "igest"),
        (lambda event: event | {"path": "/api/v1/auth/second-factor"}, "does not fit"),
        (
            lambda event: with_headers(event, event["headers"] | {"Idempotency-Key": "key-2"}),
            "does not fit",
        ),
        (lambda event: signed(now=NOW - timedelta(seconds=301)), "too old"),
        (lambda event: signed(now=NOW + timedelta(seconds=31)), "future"),
        (lambda event: signed(OTHER_PEM), "another"),
        (lambda event: signed(api_key="key-other"), "keyid"),
    ],
    ids=["body", "path", "idempotency key", "late", "early", "key", "api key"],
)
def test_a_changed_log_in_is_refused_with_its_reason_and_uses_no_nonce(
    judge: Judge, nonces: Nonces, change: Callable[[dict[str, Any]], dict[str, Any]], told: str
) -> None:
    assert told in str(refused(judge, change(signed())))
    assert not nonces.used


def test_one_half_of_a_signature_is_an_invalid_one(judge: Judge) -> None:
    event = signed()
    for missing in ("Signature", "Signature-Input"):
        headers = {name: value for name, value in event["headers"].items() if name != missing}
        refused(judge, with_headers(event, headers))


def test_a_log_in_is_good_once_and_can_be_signed_again(judge: Judge) -> None:
    event = signed()
    assert judge(event)
    assert "nonce" in str(refused(judge, event))
    assert judge(signed())


def test_the_answer_says_how_a_log_in_is_signed(judge: Judge) -> None:
    error = refused(judge, signed(OTHER_PEM))
    assert error.headers["Accept-Signature"] == (
        'sig1=("@method" "@path" "@query" "idempotency-key" "content-digest")'
        ';created;keyid="key-program";alg="ed25519"'
    )


def test_while_the_nonces_do_not_answer_nothing_passes(judge: Judge, nonces: Nonces) -> None:
    nonces.error = ReadTimeoutError(endpoint_url="https://dynamodb")
    with pytest.raises(HttpError) as error:
        judge(signed())
    assert (error.value.status, error.value.code) == (503, "UNAVAILABLE")
