"""Clients who protect their orders with a second factor, and thieves who know the API secret."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pyotp

from tests.simulation.api_gateway import Answer
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.market import SYMBOLS, TRADING_SECONDS, cents
from tests.simulation.scenario import Action, Trader
from tests.simulation.sessions import LOGIN_PATH, OPERATOR, STEP_UP_PATH, Sessions
from tests.simulation.violations import ViolationError

FACTOR_PATH = "/api/v1/auth/second-factor"
ORDERS_PATH = "/api/v1/orders"
STEP = 30
PROTECTING_EVERY, PROTECTING = 5, 3
"""Only these seeds have protections, so that recorded runs of the others stay as they are."""
APPLIED_WITHIN = 12.0
"""Seconds until each worker applies a policy, with a margin for clocks that differ."""
PROMPT = 20.0
"""Seconds. A code that is answered within them has not expired on the way."""
GUESSES = 9
"""The last of them locks for longer than the wait for the next code."""
LONG_AGO = 5
"""Steps. No difference of clocks makes a code so old or so early valid."""
TRIES = 6
REFUSALS = {401, 403, 429}
Judge = Callable[[Action, Answer, Collection[int]], None]


def protections(random: Random, traders: tuple[Trader, ...]) -> list[Action]:
    """A client enrols and sets a policy. In some runs, it then loses the phone."""
    fields = {
        "amount": random.choice((None, "0.01", "5000.00")),
        "ends": random.choice(("none", "lost", "reset")),
    }
    at = random.random() * TRADING_SECONDS / 2
    return [Action(at, random.choice(traders).client_id, "protect", fields)]


class Authenticator:
    """A phone. It gives each code to one request only, and waits for the next one."""

    def __init__(self, cloud: Cloud, uri: str) -> None:
        totp = pyotp.parse_uri(uri)
        assert isinstance(totp, pyotp.TOTP)
        self._cloud, self._totp, self._given = cloud, totp, 0

    def next(self) -> str:
        """A code that was not given before."""
        process = current()
        assert process is not None
        while self._step() <= self._given:
            process.sleep(STEP - self._cloud.engine.now % STEP)
        self._given = self._step()
        return self.last()

    def last(self) -> str:
        """The code that was given last."""
        return self._totp.generate_otp(self._given)

    def of(self, steps_ago: int) -> str:
        """A code of the past."""
        then = datetime.fromtimestamp(self._cloud.engine.now - steps_ago * STEP, UTC)
        return self._totp.at(then)

    def wrong(self, number: int) -> str:
        """A code that is not valid about now, whatever the clocks say."""
        near = {self.of(steps) for steps in range(-4, 5)}
        guesses = (f"{(number * 7919 + each) % 10**6:06d}" for each in range(10))
        return next(guess for guess in guesses if guess not in near)

    def _step(self) -> int:
        return int(self._cloud.engine.now) // STEP


class Protections:
    """Enrols, trades with codes, and tries what must be refused."""

    def __init__(self, cloud: Cloud, sessions: Sessions, trail: AuditTrail, judge: Judge) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._trail = trail
        self._judge = judge
        self._codes: list[str] = []

    def protect(self, action: Action) -> None:
        """Do all that a client does with a second factor. Stop where an answer refuses it."""
        who = action.who
        phone = self._enrol(action, {})
        if phone is None:
            return
        amount = action.fields["amount"]
        policy = {"orders": "above", "amount": amount} if amount else {"orders": "all"}
        if not self._set_policy(action, phone, policy):
            return
        self._sessions.give_authenticator(who, phone.next)
        self._sleep(APPLIED_WITHIN)
        self._trade_without(action, "at-once")
        self._replace_without(action)
        self._try_codes(action, phone)
        self._guess(action, phone)
        if action.fields["ends"] == "none":
            return
        if action.fields["ends"] == "reset":
            replaced = self._enrol(action, {}) if self._reset(action) else None
        else:
            replaced = self._recover(action)
        if replaced is None:
            return
        self._sessions.give_authenticator(who, replaced.next)
        self._refused(action, {"code": phone.next()})
        self._trade_without(action, "with-a-new-phone")

    def _enrol(self, action: Action, code: dict[str, str]) -> Authenticator | None:
        """Enrol and confirm. None: the enrolment was refused."""
        for _ in range(TRIES):
            key = f"enrol-{self._sessions.next_number()}"
            answer = self._send(action, "POST", FACTOR_PATH, key, code)
            if answer.status != 201:
                return None
            self._codes = answer.json()["recovery_codes"]
            again = self._send(action, "POST", FACTOR_PATH, key, code)
            if again.status == 201 and again.json() != answer.json():
                raise ViolationError(
                    "a repeated enrolment gets the same secret", action.who, f"{again.body!r}"
                )
            phone = Authenticator(self._cloud, answer.json()["uri"])
            if self._with_code(action, phone, "POST", f"{FACTOR_PATH}/confirmation", {}):
                for word in ("confirm-second-factor", "second-factor-confirmed"):
                    self._trail.require_own(action.who, word)
                return phone
            code = {}
        return None

    def _set_policy(self, action: Action, phone: Authenticator, policy: dict[str, str]) -> bool:
        if not self._with_code(action, phone, "PUT", f"{FACTOR_PATH}/policy", policy):
            return False
        for word in ("set-second-factor-policy", "second-factor-policy-set"):
            self._trail.require_own(action.who, word)
        return True

    def _with_code(
        self,
        action: Action,
        phone: Authenticator,
        method: str,
        path: str,
        body: dict[str, str],
    ) -> bool:
        """Send a request with new codes until one is accepted. Whether one was.

        Raises ViolationError if a code is refused that cannot have expired.
        """
        for _ in range(TRIES):
            code, began = phone.next(), self._cloud.engine.now
            answer = self._send(action, method, path, self._key(), body | {"code": code})
            if answer.status == 200:
                return True
            if not _is_about_code(answer):
                return False
            if self._cloud.engine.now - began < PROMPT:
                raise ViolationError(
                    "a valid code is accepted", f"{action.who} {path}", f"{answer.body!r}"
                )
        return False

    def _trade_without(self, action: Action, when: str) -> None:
        """A thief has the secret and no code. The order is worth more than any amount here."""
        answer = self._stolen(action, when, 100, SYMBOLS["KO"])
        if answer.status == 201 and answer.json()["status"] == "REJECTED":
            return  # with a code it would be rejected too
        self._judge(action, answer, {403})

    def _replace_without(self, action: Action) -> None:
        """A thief places a small order that rests, and tries to replace it by a large one."""
        key, price = "stolen-small", SYMBOLS["KO"] * 115 / 100
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
        order: dict[str, Any] = {"client_id": action.who, "stock_symbol": "KO"}
        order |= {"quantity": quantity, "order_type": "limit", "side": "sell"}
        order |= {"time_in_force": "DAY", "price": cents(price)}
        thief = self._thief(action)
        return self._sessions.request(thief, "POST", ORDERS_PATH, f"stolen-{name}", order)

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
            self._refused(action, {"code": phone.of(steps_ago)})
        used, began = phone.next(), self._cloud.engine.now
        answer = self._send(action, "POST", LOGIN_PATH, self._key(), {"code": used})
        if answer.status == 200:
            methods = set(answer.json()["methods"])
            if methods != {"pwd", "otp", "mfa"}:
                raise ViolationError("a token says how it was obtained", action.who, f"{methods}")
            self._refused(action, {"code": used})
            self._stepped_up(action, used)
        elif _is_about_code(answer) and self._cloud.engine.now - began < PROMPT:
            raise ViolationError("a valid code is accepted", action.who, f"{answer.body!r}")
        self._judge(action, self._send(action, "POST", FACTOR_PATH, self._key(), {}), {403})
        for method, path, body in (
            ("POST", FACTOR_PATH, {}),
            ("PUT", f"{FACTOR_PATH}/policy", {"orders": "none"}),
        ):
            wrong = body | {"code": phone.wrong(0)}
            answer = self._send(action, method, path, self._key(), wrong)
            self._judge(action, answer, REFUSALS)

    def _guess(self, action: Action, phone: Authenticator) -> None:
        """A thief guesses codes. Then even the right code is locked, and a recovery code passes."""
        before = self._sessions.codes_used(action.who)
        for number in range(GUESSES):
            self._refused(action, {"code": phone.wrong(number)})
        right = {"code": phone.next()}
        answer = self._send(action, "POST", LOGIN_PATH, self._key(), right, impatient=True)
        if answer.status == 200 and self._sessions.codes_used(action.who) == before:
            raise ViolationError("wrong codes lock the right one", action.who, f"{GUESSES} wrong")
        recovery = self._codes[0]
        answer = self._send(action, "POST", LOGIN_PATH, self._key(), {"code": recovery})
        if _is_about_code(answer):
            raise ViolationError("a recovery code is accepted", action.who, f"{answer.body!r}")
        if answer.status == 200:
            self._refused(action, {"code": recovery})

    def _recover(self, action: Action) -> Authenticator | None:
        """The phone is lost. A recovery code lets the client enrol another one."""
        lost = self._codes
        replaced = self._enrol(action, {"code": lost[1]})
        if replaced is not None:
            self._refused(action, {"code": lost[2]})
        return replaced

    def _reset(self, action: Action) -> bool:
        """The recovery codes are lost too, and an operator ends the second factor."""
        path = f"/api/v1/admin/clients/{action.who}/second-factor-reset"
        body = {"reason": "simulated"}
        answer = self._sessions.request(OPERATOR, "POST", path, self._key(), body)
        if answer.status != 200:
            return False
        for word in ("reset-second-factor", "second-factor-reset"):
            self._trail.require(f"client/{action.who}", word)
        enrolled = self._send(action, "POST", FACTOR_PATH, self._key(), {})
        if enrolled.status == 403 and enrolled.json()["code"] == "SECOND_FACTOR_REQUIRED":
            raise ViolationError("a reset ends the second factor", action.who, f"{enrolled.body!r}")
        return True

    def _stepped_up(self, action: Action, used: str) -> None:
        body, thief = {"code": used}, self._thief(action)
        answer = self._sessions.request(thief, "POST", STEP_UP_PATH, self._key(), body)
        self._judge(action, answer, REFUSALS)

    def _refused(self, action: Action, body: dict[str, str]) -> None:
        """Log in with a code that must not pass."""
        self._judge(action, self._send(action, "POST", LOGIN_PATH, self._key(), body), REFUSALS)

    def _key(self) -> str:
        return f"factor-{self._sessions.next_number()}"

    def _send(
        self,
        action: Action,
        method: str,
        path: str,
        key: str,
        body: dict[str, str],
        impatient: bool = False,
    ) -> Answer:
        """Send a request with the API secret, and again if the secret was replaced meanwhile."""
        answer = Answer(0)
        for _ in range(TRIES):
            login = self._sessions.login(action.who)
            sent: dict[str, Any] = {"api_key": login.api_key, "api_secret": login.secret}
            answer = self._sessions.request(action.who, method, path, key, sent | body, impatient)
            if answer.status != 401 or answer.json()["code"] != "INVALID_CREDENTIALS":
                break
            self._sleep(5)
        return answer

    def _sleep(self, seconds: float) -> None:
        process = current()
        assert process is not None
        process.sleep(seconds)


def _is_about_code(answer: Answer) -> bool:
    return answer.status == 401 and answer.json()["code"] == "INVALID_CODE"
