"""Withdrawals of a client who protects them: each uses a code of the client's authenticator."""

from typing import Any

import pyotp
import pytest
from botocore.exceptions import ConnectionClosedError

from tests.fakes.api_events import header, request
from tests.integration.backing import PREFIX
from tests.integration.system import System
from tests.integration.trading.admin import ask, create, show
from tests.integration.trading.books import items
from tests.integration.trading.test_proposals import BERT, actions, decide

FACTOR = "/api/v1/auth/second-factor"
MUCH = "100000.01"


class Client:
    """Dave, who is funded, and has an authenticator. His withdrawals are protected."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._requests = 0
        self._issued = create(system)[1]
        deposit = {"reference": "in-1", "amount": "90000.00"}
        for number in range(3):
            deposit |= {"reference": f"in-{number}"}
            assert ask(system, "POST", "clients/dave/deposits", deposit, f"in-{number}")[0] == 201
        enrolled = self.send("POST", FACTOR)
        self._authenticator = pyotp.TOTP(enrolled["secret"])
        self.recovery_codes: list[str] = enrolled["recovery_codes"]
        self.send("POST", f"{FACTOR}/confirmation", code=self.code())
        self.set_policy(withdrawals=True)

    def send(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        self._requests += 1
        secret = {name: self._issued[name] for name in ("api_key", "api_secret")}
        headers = {"Idempotency-Key": f"factor-{self._requests}"}
        event = request(method, path, secret | body, headers=headers)
        status, answer, _ = self.system.call("auth", event)
        assert status in (200, 201), answer
        return answer

    def set_policy(self, **policy: Any) -> None:
        body = {"orders": "none", "code": self.code()} | policy
        self.send("PUT", f"{FACTOR}/policy", **body)

    def code(self) -> str:
        """A code that was not used before."""
        self.system.venues.pass_time(30)
        return self.present_code()

    def present_code(self) -> str:
        return self._authenticator.at(self.system.now())

    def wrong_code(self) -> str:
        """Six digits that are no code about now."""
        now = self.system.now()
        near = {self._authenticator.at(now, counter_offset=steps) for steps in range(-9, 10)}
        return next(code for code in (f"{number:06d}" for number in range(20)) if code not in near)

    def withdraw(
        self, key: str = "out-1", code: str | None = None, **body: Any
    ) -> tuple[int, dict[str, Any], Any]:
        asked = {"reference": "out-1", "amount": "100.00"} | body
        asked |= {"code": code} if code else {}
        return ask(self.system, "POST", "clients/dave/withdrawals", asked, key)

    def available(self) -> str:
        return str(self.system.books.account("dave").available)


@pytest.fixture
def client(system: System) -> Client:
    return Client(system)


def test_a_protected_withdrawal_uses_a_code_of_the_client_once(client: Client) -> None:
    status, refused, _ = client.withdraw()
    assert (status, refused["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    assert [error["field"] for error in refused["errors"]] == ["code"]
    code = client.code()
    status, booked, _ = client.withdraw(code=code)
    assert (status, booked["amount"], client.available()) == (201, "100.00", "269900.00")
    status, again, answer = client.withdraw(code=code)
    assert (status, again, header(answer, "Idempotency-Replayed")) == (201, booked, "true")
    status, used, _ = client.withdraw("out-2", code, reference="out-2")
    assert (status, used["code"]) == (401, "INVALID_CODE")
    assert client.available() == "269900.00"
    assert client.withdraw("out-2", client.code(), reference="out-2")[0] == 201
    assert client.system.findings() == []


def test_a_repetition_needs_no_code(client: Client) -> None:
    booked = client.withdraw(code=client.code())[:2]
    for key, code in (("out-1", None), ("out-1", client.code()), ("another-key", None)):
        assert client.withdraw(key, code)[:2] == booked
    assert client.available() == "269900.00"


def test_a_code_that_was_used_before_a_crash_is_followed_by_another_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise SystemError

    registry = type(client.system.function("admin").api.transfers.registry)
    with monkeypatch.context() as patch:
        patch.setattr(registry, "commit", crash)
        assert client.withdraw(code=client.code())[0] == 500
    assert client.withdraw(code=client.code())[0] == 201
    assert client.available() == "269900.00"


def test_a_recovery_code_will_do(client: Client) -> None:
    code = client.recovery_codes[0]
    assert client.withdraw(code=code)[0] == 201
    used = client.withdraw("out-2", code, reference="out-2")
    assert (used[0], used[1]["code"]) == (401, "INVALID_CODE")


@pytest.mark.parametrize(
    ("code", "status", "problem", "factor"),
    [
        (None, 401, "INVALID_CODE", {"failures": 1}),
        ("aaaa-aaaa-aaaa-aaaa", 401, "INVALID_CODE", {"failures": 0}),
        ("12345", 422, "VALIDATION_FAILED", {"failures": 0}),
    ],
)
def test_a_wrong_code_books_nothing(
    client: Client, code: str | None, status: int, problem: str, factor: dict[str, int]
) -> None:
    refused = client.withdraw(code=code or client.wrong_code())
    assert (refused[0], refused[1]["code"]) == (status, problem)
    assert [error["field"] for error in refused[1]["errors"]] == ["code"]
    assert client.available() == "270000.00"
    [stored_factor] = items(client.system.dynamodb, f"{PREFIX}factors")
    assert {name: int(stored_factor[name]) for name in factor} == factor
    assert client.withdraw("out-2", client.code())[0] == 201


def test_guesses_lock_the_codes(client: Client) -> None:
    for number in range(5):
        assert client.withdraw(f"guess-{number}", client.wrong_code())[0] == 401
    status, locked, answer = client.withdraw("right", client.present_code())
    assert (status, locked["code"]) == (429, "CODES_LOCKED")
    assert header(answer, "Retry-After") == "6"
    assert client.available() == "270000.00"


def test_what_cannot_be_withdrawn_uses_no_code(client: Client) -> None:
    code = client.code()
    refused = client.withdraw(code=code, amount="99999999.00")
    assert (refused[0], refused[1]["code"]) == (422, "NOT_WITHDRAWABLE")
    assert client.withdraw("out-2", code)[0] == 201


def test_a_withdrawal_above_the_amount_is_proposed_with_a_code_and_approved_without(
    client: Client,
) -> None:
    refused = client.withdraw(amount=MUCH)
    assert (refused[0], refused[1]["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    code = client.code()
    status, proposed, _ = client.withdraw(amount=MUCH, code=code)
    assert (status, proposed["request"]) == (202, {"reference": "out-1", "amount": MUCH})
    assert proposed["with_code"] is True
    assert client.withdraw(amount=MUCH, code=code)[1] == proposed
    used = client.withdraw("out-2", code, reference="out-2")
    assert (used[0], used[1]["code"]) == (401, "INVALID_CODE")
    client.system.venues.pass_time(600)
    status, approved, _ = decide(client.system, proposed["proposal_id"], who=BERT)
    assert (status, approved["status"]) == (200, "APPROVED")
    assert client.available() == "169999.99"


def test_no_code_is_stored(client: Client) -> None:
    proposed, booked, _ = client.recovery_codes[:3]
    assert client.withdraw(amount=MUCH, code=proposed)[0] == 202
    assert client.withdraw("out-2", booked, reference="out-2")[0] == 201
    tables = ("audit", "control", "factors", "idempotency", "ledger", "proposals")
    kept = str([list(items(client.system.dynamodb, f"{PREFIX}{table}")) for table in tables])
    assert "out-2" in kept
    for code in (proposed, booked):
        assert code not in kept


def test_a_proposal_from_before_the_protection_is_not_approved(client: Client) -> None:
    client.set_policy(withdrawals=False)
    _, without, _ = client.withdraw("without", amount=MUCH)
    assert without["with_code"] is False
    client.set_policy(withdrawals=True)
    status, refused, _ = decide(client.system, without["proposal_id"], who=BERT)
    assert (status, refused["code"]) == (403, "SECOND_FACTOR_REQUIRED")
    assert client.available() == "270000.00"
    _, proposed, _ = client.withdraw("with", amount=MUCH, code=client.code())
    assert decide(client.system, proposed["proposal_id"], key="decide-2", who=BERT)[0] == 200
    assert client.available() == "169999.99"


def test_while_kms_does_not_answer_nothing_is_booked(client: Client) -> None:
    def fails(**_: Any) -> None:
        raise ConnectionClosedError(endpoint_url="kms")

    code, codes = client.code(), client.system.function("admin").api.transfers.use_code.codes
    events = codes._kms.meta.events
    events.register("before-call.kms.GenerateMac", fails)
    status, problem, answer = client.withdraw(code=code)
    assert (status, problem["code"]) == (503, "CODES_UNAVAILABLE")
    assert header(answer, "Retry-After") == "1"
    assert client.available() == "270000.00"
    events.unregister("before-call.kms.GenerateMac", fails)
    assert client.withdraw(code=code)[0] == 201


def test_without_an_authenticator_nothing_can_be_withdrawn_until_the_client_enrols(
    client: Client,
) -> None:
    path = "clients/dave/second-factor-reset"
    assert ask(client.system, "POST", path, key="reset")[0] == 200
    assert show(client.system, "dave")["second_factor_to_withdraw"] is True
    refused = client.withdraw(code=client.recovery_codes[0])
    assert (refused[0], refused[1]["code"]) == (403, "SECOND_FACTOR_NOT_ENROLLED")


def test_a_client_may_stop_protecting_withdrawals(client: Client) -> None:
    client.set_policy(orders="all")
    assert client.withdraw()[0] == 403
    client.set_policy(withdrawals=False)
    assert client.withdraw()[0] == 201


def test_each_attempt_is_in_the_audit_log(client: Client) -> None:
    client.withdraw()
    client.system.venues.pass_time(1)
    client.withdraw(code=client.wrong_code())
    client.withdraw("out-2", client.code())
    done = [action for action, _ in actions(client.system, "client/dave")]
    assert done[-4:] == ["withdraw"] * 3 + ["withdrawn"]
