"""The command line signs where it must, each time anew, and asks for a secret only then."""

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
from trading.adapters.identity.signature_keys import public_key_of
from trading.domain.clients.signed_requests import SignatureError, SignedMessage
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
    needs: bool = True
    asked: list[str] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)
    logins: int = 0
    unsigned: int = 0

    def api(self) -> Api:
        """An API with a token that was kept."""
        tokens = TokenCache(self.directory, lambda: NOW)
        tokens.save(self.profile, Token(jwt_token="kept", expiration=NOW.replace(hour=16)))
        return self.again()

    @property
    def profile(self) -> Profile:
        return Profile(url=STAGE, api_key="key-1", api_secret=self.secret, admin_url=STAGE)

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


def problem(code: str, detail: str) -> httpx.Response:
    body = {"status": 401, "code": code, "detail": detail, "request_id": "r-1"}
    return httpx.Response(401, json=body)


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
