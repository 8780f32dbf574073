"""The command line signs where it must, each time anew, and asks for a secret only then."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from cli.api import Api
from cli.failures import Exit, Failure
from cli.tokens import Token, TokenCache
from trading.adapters.identity.request_signatures import verify
from trading.adapters.identity.signature_keys import new_key_pair, public_key_of
from trading.domain.clients.signed_requests import LOG_IN_COVERED, SignatureError, SignedMessage
from workstation.profiles import Profile

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
SECRET = "the secret of an operator"
STAGE = "https://api.example.com/dev"


@dataclass
class Server:
    """Answers each request with the next step, or with what the signature deserves."""

    directory: Path
    steps: list[httpx.Response | httpx.TransportError] = field(default_factory=list)
    secret: str | None = SECRET
    private_key: str | None = None
    needs: bool = True
    asked: list[str] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)
    logins: int = 0
    refuses_log_ins: int = 0
    log_ins: list[httpx.Request] = field(default_factory=list)
    unsigned: int = 0

    def api(self) -> Api:
        """An API with a token that was kept."""
        tokens = TokenCache(self.directory, lambda: NOW)
        tokens.save(self.profile, Token(jwt_token="kept", expiration=NOW.replace(hour=16)))
        return self.again()

    @property
    def profile(self) -> Profile:
        return Profile(
            url=STAGE,
            api_key="key-1",
            api_secret=self.secret,
            admin_url=STAGE,
            private_key=self.private_key,
        )

    def again(self) -> Api:
        """The API as the next command has it."""
        tokens = TokenCache(self.directory, lambda: NOW)
        return Api(
            self.profile,
            tokens,
            self._ask,
            lambda: "123456",
            lambda _: None,
            30,
            transport=httpx.MockTransport(self._answer),
            sleep=lambda _: None,
            now=lambda: NOW,
        )

    def _ask(self, api_key: str) -> str:
        self.asked.append(api_key)
        return SECRET

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/dev")
        if path.endswith("/auth/token"):
            self.logins += 1
            self.log_ins.append(request)
            if self.refuses_log_ins > 0:
                self.refuses_log_ins -= 1
                return problem("SECOND_FACTOR_REQUIRED", "Send a code.", 403)
            return httpx.Response(
                200, json={"jwt_token": "new", "expiration": "2026-11-23T16:00:00Z"}
            )
        if "Signature" in request.headers:
            message = SignedMessage(
                request.method, path, request.url.params.multi_items(), [*request.headers.items()]
            )
            keys = [public_key_of(SECRET)]
            try:
                self.nonces.append(verify(message, request.read(), "key-1", keys, NOW))
            except SignatureError as error:
                return problem("INVALID_SIGNATURE", str(error))
        elif request.method != "GET":
            self.unsigned += 1
            if self.needs:
                return problem("SIGNATURE_REQUIRED", "Sign it.")
        step = self.steps.pop(0) if self.steps else httpx.Response(200, json={"fine": "yes"})
        if isinstance(step, Exception):
            raise step
        return step


def problem(code: str, detail: str, status: int = 401) -> httpx.Response:
    body = {"status": status, "code": code, "detail": detail, "request_id": "r-1"}
    return httpx.Response(status, json=body)


@pytest.fixture
def server(tmp_path: Path) -> Callable[..., Server]:
    return lambda **options: Server(tmp_path, **options)


PATH = "/api/v1/admin/clients/dave/withdrawals"


def test_what_an_operator_changes_is_signed_without_the_stage(
    server: Callable[..., Server],
) -> None:
    at = server()
    assert at.api().change("POST", PATH, "k-1", {"amount": "1.00", "no": None}) == {"fine": "yes"}
    assert (len(at.nonces), at.unsigned, at.asked) == (1, 0, [])


def test_an_order_is_signed_only_if_the_api_wants_it(server: Callable[..., Server]) -> None:
    plain = server(needs=False)
    plain.api().change("POST", "/api/v1/orders", "k-1", {"quantity": 1})
    assert (plain.nonces, plain.unsigned) == ([], 1)
    at = server()
    assert at.api().change("DELETE", "/api/v1/orders", "k-2", symbol="BRK.A", side="buy")
    assert at.again().change("DELETE", "/api/v1/orders:x", "k-3", client_order_id="a:b_c-1")
    assert (len(set(at.nonces)), at.unsigned) == (2, 1), "the second command remembers"


def test_each_try_has_a_signature_of_its_own(server: Callable[..., Server]) -> None:
    at = server(steps=[httpx.ReadTimeout("slow"), httpx.Response(503), httpx.Response(200, json=1)])
    assert at.api().change("POST", PATH, "k-1", {"amount": "1.00"}) == 1
    assert len(set(at.nonces)) == 3


def test_what_is_only_read_is_not_signed(server: Callable[..., Server]) -> None:
    at = server()
    at.api().get("/api/v1/admin/clients/dave")
    assert at.nonces == []


@pytest.mark.parametrize("path", [PATH, "/api/v1/orders"])
def test_the_secret_is_asked_for_only_if_the_api_wants_a_signature(
    server: Callable[..., Server], path: str
) -> None:
    at = server(secret=None)
    assert at.api().change("POST", path, "k-1", {"amount": "1.00"}) == {"fine": "yes"}
    assert (at.asked, len(at.nonces), at.logins) == (["key-1"], 1, 0)
    unneeded = server(secret=None, needs=False)
    unneeded.api().change("POST", path, "k-1", {"amount": "1.00"})
    assert (unneeded.asked, unneeded.nonces) == ([], [])


def test_a_wrong_signature_is_told_and_not_tried_with_a_new_token(
    server: Callable[..., Server],
) -> None:
    at = server(secret="an old secret")
    with pytest.raises(Failure) as failure:
        at.api().change("POST", PATH, "k-1", {"amount": "1.00"})
    assert failure.value.problem["code"] == "INVALID_SIGNATURE"
    assert "another secret" in failure.value.problem["detail"]
    assert failure.value.status == Exit.AUTHENTICATION
    assert at.logins == 0


def test_a_program_signs_its_log_in_with_its_key(server: Callable[..., Server]) -> None:
    pem, public_key = new_key_pair()
    at = server(private_key=pem)
    assert at.api().log_in("k-1")["jwt_token"] == "new"
    [sent] = at.log_ins
    message = SignedMessage("POST", "/api/v1/auth/token", [], [*sent.headers.items()])
    assert verify(message, sent.read(), "key-1", [public_key], NOW, LOG_IN_COVERED)
    assert "code" not in json.loads(sent.content)


def test_a_person_does_not_sign_the_log_in(server: Callable[..., Server]) -> None:
    at = server()
    at.api().log_in("k-1")
    assert "Signature" not in at.log_ins[0].headers


def test_a_code_is_asked_for_only_if_the_log_in_needs_it(server: Callable[..., Server]) -> None:
    at = server(refuses_log_ins=1)
    at.api().log_in("k-1")
    assert [json.loads(each.content).get("code") for each in at.log_ins] == [None, "123456"]
    assert {each.headers["Idempotency-Key"] for each in at.log_ins} == {"k-1"}
    twice = server(refuses_log_ins=2)
    with pytest.raises(Failure) as failure:
        twice.api().log_in("k-1")
    assert failure.value.problem["code"] == "SECOND_FACTOR_REQUIRED"
    given = server(refuses_log_ins=1)
    with pytest.raises(Failure):
        given.api().log_in("k-1", "654321")
    assert given.logins == 1


def test_a_private_key_that_cannot_sign_ends_the_command(server: Callable[..., Server]) -> None:
    at = server(private_key="no PEM")
    with pytest.raises(Failure) as failure:
        at.api().log_in("k-1")
    assert (failure.value.problem["code"], failure.value.status) == (
        "PRIVATE_KEY_NOT_VALID",
        Exit.CONFIGURATION,
    )
    assert at.logins == 0
