"""An API key with a registered key enrols an authenticator by signed requests only. Otherwise who
has stolen the secret of a program would get a second factor of another kind.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest
import time_machine

from tests.fakes.api_events import request
from tests.fakes.signing import signed_log_in
from tests.integration.api.conftest import World
from trading.adapters.identity.signature_keys import new_key_pair
from trading.domain.clients.credentials import CLIENT_AUDIENCE, INTERNAL_AUDIENCE

FACTOR = "/api/v1/auth/second-factor"
CONFIRMATION = f"{FACTOR}/confirmation"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
APIS = [
    ("auth", "key-alice", "alice", CLIENT_AUDIENCE),
    ("internal_auth", "key-internal", "operations", INTERNAL_AUDIENCE),
]


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


class Program:
    """The owner of an API key, and a key pair."""

    def __init__(self, world: World, function: str, api_key: str, owner: str, audience: str):
        self.world, self.function, self.api_key = world, function, api_key
        self.owner, self.audience = owner, audience
        self.pem, self.public_key = new_key_pair()
        self._sent = 0
        self._add(None)

    def register(self) -> None:
        self._add(self.public_key)

    def _add(self, public_key: str | None) -> None:
        self.world.add_credential(
            self.api_key, client_id=self.owner, audience=self.audience, public_key=public_key
        )

    def send(self, path: str, pem: str | None, **body: str) -> tuple[int, Mapping[str, Any]]:
        """Send a request, signed with a private key if there is one."""
        self._sent += 1
        sent = {"api_key": self.api_key, "api_secret": self.world.secrets[self.api_key]} | body
        headers = {"Idempotency-Key": f"request-{self._sent}"}
        event = request("POST", path, sent, headers=headers)
        if pem is not None:
            event = signed_log_in(event, pem, datetime.now(UTC), self.api_key)
        answer = self.world.call(self.function, event)
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture(params=APIS, ids=lambda param: param[0])
def program(world: World, request: pytest.FixtureRequest) -> Program:
    return Program(world, *request.param)


def first_code(enrolled: Mapping[str, Any]) -> str:
    return pyotp.TOTP(enrolled["secret"]).at(datetime.now(UTC))


@pytest.mark.parametrize("code", [{}, {"code": "492039"}, {"code": "kx3f-7a2q-mm5d-w4ze"}])
def test_the_secret_alone_enrols_nothing(program: Program, code: dict[str, str]) -> None:
    program.register()
    status, body = program.send(FACTOR, None, **code)
    assert (status, body["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    assert program.world.items("factors") == []


def test_an_enrolment_from_before_the_registration_cannot_be_confirmed_with_the_secret(
    program: Program,
) -> None:
    _, begun = program.send(FACTOR, None)
    program.register()
    status, body = program.send(CONFIRMATION, None, code=first_code(begun))
    assert (status, body["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    (factor,) = program.world.items("factors")
    assert "enrolment" not in factor or factor["enrolment"] == {"NULL": True}


def test_another_key_enrols_nothing(program: Program) -> None:
    program.register()
    status, body = program.send(FACTOR, new_key_pair()[0])
    assert (status, body["code"]) == (401, "INVALID_SIGNATURE")


def test_the_registered_key_enrols_and_confirms(program: Program) -> None:
    program.register()
    status, begun = program.send(FACTOR, program.pem)
    assert status == 201
    status, standing = program.send(CONFIRMATION, program.pem, code=first_code(begun))
    assert (status, standing["status"]) == (200, "ACTIVE")
