"""Clients who protect their orders with a second factor, and thieves who know the API secret."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from random import Random
from typing import Any

from tests.simulation.api_gateway import Answer
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.authenticators import (
    FACTOR_PATH,
    STEP,
    Authenticator,
    FactorRequests,
    is_about_code,
)
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.market import SYMBOLS, TRADING_SECONDS, cents
from tests.simulation.protected_withdrawals import ProtectedWithdrawals
from tests.simulation.scenario import Action, Trader
from tests.simulation.sessions import OPERATOR, STEP_UP_PATH, Sessions, program_of
from tests.simulation.violations import ViolationError

ORDERS_PATH = "/api/v1/orders"
PROTECTING_EVERY, PROTECTING = 5, 3
"""Only these seeds have protections, so that recorded runs of the others stay as they are."""
WITHDRAWING_EVERY, WITHDRAWING = 10, 8
"""In these of them, withdrawals are protected too."""
APPLIED_WITHIN = 12.0
"""Seconds until each worker applies a policy, with a margin for clocks that differ."""
GUESSES = 9
"""The last of them locks for longer than the wait for the next code."""
LONG_AGO = 5
"""Steps. No difference of clocks makes a code so old or so early valid."""
PATIENCE = 6
"""Tries, a minute apart. The policy stays after a reset, so no order passes without a phone."""
REFUSALS = {401, 403, 429}
Judge = Callable[[Action, Answer, Collection[int]], None]


def protections(seed: int, traders: tuple[Trader, ...]) -> list[Action]:
    """A client enrols and sets a policy. In some runs, it then loses the phone."""
    random = Random(f"protections/{seed}")
    fields = {
        "withdrawals": seed % WITHDRAWING_EVERY == WITHDRAWING,
        "amount": random.choice((None, "0.01", "5000.00")),
        "ends": random.choice(("none", "lost", "reset")),
    }
    at = random.random() * TRADING_SECONDS / 2
    return [Action(at, random.choice(traders).client_id, "protect", fields)]


class Protections:
    """Enrols, trades with codes, and tries what must be refused."""

    def __init__(
        self,
        cloud: Cloud,
        sessions: Sessions,
        trail: AuditTrail,
        judge: Judge,
        withdrawals: ProtectedWithdrawals,
    ) -> None:
        self._withdrawals = withdrawals
        self._cloud = cloud
        self._sessions = sessions
        self._trail = trail
        self._judge = judge
        self._requests = FactorRequests(cloud, sessions, trail)

    def protect(self, action: Action) -> None:
        """Do all that a client does with a second factor. Stop where an answer refuses it."""
        who = action.who
        phone = self._requests.enrol(action.who, {})
        if phone is None:
            return
        self._sessions.give_authenticator(who, phone.next)  # a policy may apply before its answer
        amount = action.fields["amount"]
        policy: dict[str, Any] = (
            {"orders": "above", "amount": amount} if amount else {"orders": "all"}
        )
        early = None
        if action.fields["withdrawals"]:
            early = self._withdrawals.propose_early(who)
            policy["withdrawals"] = True
        if not self._set_policy(action, phone, policy):
            return
        self._sleep(APPLIED_WITHIN)
        self._trade_without(action, "at-once")
        self._replace_without(action)
        self._trade_as_program(action)
        if action.fields["withdrawals"]:
            self._withdrawals.play(action, phone, early)
        self._try_codes(action, phone)
        self._guess(action, phone)
        if action.fields["ends"] == "none":
            return
        if action.fields["ends"] == "reset":
            replaced = self._enrol_anew(action.who) if self._reset(action) else None
        else:
            replaced = self._recover(action)
        if replaced is None:
            return
        self._sessions.give_authenticator(who, replaced.next)
        self._refused(action, phone.next())
        self._trade_without(action, "with-a-new-phone")

    def _set_policy(self, action: Action, phone: Authenticator, policy: dict[str, Any]) -> bool:
        if not self._requests.with_code(action.who, phone, "PUT", f"{FACTOR_PATH}/policy", policy):
            return False
        for word in ("set-second-factor-policy", "second-factor-policy-set"):
            self._trail.require_own("client", action.who, word)
        return True

    def _trade_without(self, action: Action, when: str) -> None:
        """A thief has the secret and no code. The order is worth more than any amount here."""
        answer = self._stolen(action, when, 100, SYMBOLS["KO"])
        if answer.status == 201 and answer.json()["status"] == "REJECTED":
            return  # with a code it would be rejected too
        self._judge(action, answer, {403})

    def _replace_without(self, action: Action) -> None:
        """A thief places a small order that rests, and tries to replace it by a large one."""
        key, price = "stolen-small", SYMBOLS["KO"] * 104 / 100
        answer = self._stolen(action, "small", 1, price)
        if action.fields["amount"] != "5000.00":
            self._judge(action, answer, {201, 403})
            return
        self._judge(action, answer, {201})
        if answer.status != 201:
            return
        path = f"{ORDERS_PATH}/{answer.json()['order_id']}"
        great = {"quantity": 100}
        answer = self._sessions.request(self._thief(action), "PATCH", path, f"{key}-more", great)
        self._judge(action, answer, {403, 409, 422})

    def _stolen(self, action: Action, name: str, quantity: int, price: Decimal) -> Answer:
        """The answer to a thief who tries to sell the client's KO."""
        order, thief = _selling(action.who, quantity, price), self._thief(action)
        return self._sessions.request(thief, "POST", ORDERS_PATH, f"stolen-{name}", order)

    def _trade_as_program(self, action: Action) -> None:
        """A program of the client shows a second factor by its registered key."""
        order, program = _selling(action.who, 100, SYMBOLS["KO"]), program_of(action.who)
        answer = self._sessions.request(program, "POST", ORDERS_PATH, "by-program", order)
        if answer.status == 403 and answer.json()["code"] == "SECOND_FACTOR_REQUIRED":
            raise ViolationError(
                "a program orders with its registered key", action.who, f"{answer.body!r}"
            )

    def _thief(self, action: Action) -> str:
        """The name of a caller who logs in like the client, and has no authenticator."""
        thief = f"thief of {action.who}"
        self._sessions.borrow(thief, action.who)
        return thief

    def _try_codes(self, action: Action, phone: Authenticator) -> None:
        """A thief has seen an old code, a used one and a future one. A thief without codes tries to
        enrol a phone and to change the policy.
        """
        self._sleep((LONG_AGO + 2) * STEP)
        for steps_ago in (LONG_AGO, -LONG_AGO):
            code = phone.of(steps_ago)
            answer = self._requests.log_in(action.who, code)
            if steps_ago > 0 or not phone.has_come(code):
                self._judge(action, answer, REFUSALS)
        used, token = self._requests.log_in_with(action.who, phone)
        if token:
            self._refused(action, used)
            self._stepped_up(action, used)
        without = self._requests.send(action.who, "POST", FACTOR_PATH, {})
        self._judge(action, without, {403})
        for method, path, body in (
            ("POST", FACTOR_PATH, {}),
            ("PUT", f"{FACTOR_PATH}/policy", {"orders": "none"}),
        ):
            wrong = body | {"code": phone.wrong(0)}
            answer = self._requests.send(action.who, method, path, wrong)
            self._judge(action, answer, REFUSALS)

    def _guess(self, action: Action, phone: Authenticator) -> None:
        """A thief guesses codes. Then even the right code is locked, and a recovery code passes."""
        who = action.who
        before = self._sessions.codes_used(who)
        guesses = [self._refused(action, phone.wrong(number)) for number in range(GUESSES)]
        locks = guesses[-1].status == 401  # otherwise it gave up after it had waited for a lock
        answer = self._requests.log_in(who, phone.next(), impatient=True)
        if locks and answer.status == 200 and self._sessions.codes_used(who) == before:
            raise ViolationError("wrong codes lock the right one", who, f"{GUESSES} wrong")
        recovery = self._requests.recovery_codes[0]
        answer = self._requests.log_in(who, recovery)
        if is_about_code(answer):
            raise ViolationError("a recovery code is accepted", who, f"{answer.body!r}")
        if answer.status == 200:
            self._refused(action, recovery)

    def _recover(self, action: Action) -> Authenticator | None:
        """The phone is lost. A recovery code lets the client enrol another one."""
        lost = self._requests.recovery_codes
        replaced = self._requests.enrol(action.who, {"code": lost[1]})
        if replaced is not None:
            self._refused(action, lost[2])
        return replaced

    def _enrol_anew(self, who: str) -> Authenticator | None:
        """Enrol after a reset. The client may be suspended for a while."""
        for _ in range(PATIENCE):
            if phone := self._requests.enrol(who, {}):
                return phone
            self._sleep(60)
        return None

    def _reset(self, action: Action) -> bool:
        """The recovery codes are lost too, and an operator ends the second factor."""
        path = f"/api/v1/admin/clients/{action.who}/second-factor-reset"
        body = {"reason": "simulated"}
        key = self._requests.key()
        for _ in range(PATIENCE):
            answer = self._sessions.request(OPERATOR, "POST", path, key, body)
            if answer.status == 200:
                break
            self._sleep(60)
        else:
            return False
        for word in ("reset-second-factor", "second-factor-reset"):
            self._trail.require(f"client/{action.who}", word)
        enrolled = self._requests.send(action.who, "POST", FACTOR_PATH, {})
        if enrolled.status == 403 and enrolled.json()["code"] == "SECOND_FACTOR_REQUIRED":
            raise ViolationError("a reset ends the second factor", action.who, f"{enrolled.body!r}")
        return True

    def _stepped_up(self, action: Action, used: str) -> None:
        body, thief = {"code": used}, self._thief(action)
        answer = self._sessions.request(thief, "POST", STEP_UP_PATH, self._requests.key(), body)
        self._judge(action, answer, REFUSALS)

    def _refused(self, action: Action, code: str) -> Answer:
        """Log in with a code that must not pass. The answer."""
        answer = self._requests.log_in(action.who, code)
        self._judge(action, answer, REFUSALS)
        return answer

    def _sleep(self, seconds: float) -> None:
        process = current()
        assert process is not None
        process.sleep(seconds)


def _selling(client_id: str, quantity: int, price: Decimal) -> dict[str, Any]:
    """An order to sell KO."""
    order: dict[str, Any] = {"client_id": client_id, "stock_symbol": "KO"}
    order |= {"quantity": quantity, "order_type": "limit", "side": "sell"}
    return order | {"time_in_force": "DAY", "price": cents(price)}
