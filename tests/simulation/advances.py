"""Advances of the error account, and an operator who closes them: paid back or written off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Any

from tests.simulation.acceptance import State
from tests.simulation.api_gateway import Answer
from tests.simulation.cloud import Cloud
from tests.simulation.engine import current
from tests.simulation.intruders import Intruders
from tests.simulation.items import Item
from tests.simulation.market import CENT, SYMBOLS
from tests.simulation.oracle import StepOracle
from tests.simulation.rights import of_advances
from tests.simulation.scenario import Action
from tests.simulation.sessions import DEPUTY, OPERATOR, Sessions
from tests.simulation.transfers import check_booked
from tests.simulation.violations import ZERO, ViolationError, equal

NOTICED_AFTER = (30.0, 3600.0, 86_400.0, 3 * 86_400.0)
"""Seconds until an operator deals with an advance."""
LATE = 200.0
PAYS_IN = 0.5
"""The share of the clients that send cash or shares before an advance is closed."""
REFUSED = ("EXCEEDS_ADVANCE", "NOT_WITHDRAWABLE", "LOAN_NOT_COVERED")


class Advances:
    """Reacts to advances. A run without an advance does not notice that it exists: luck is drawn
    from streams of its own.
    """

    def __init__(
        self, cloud: Cloud, sessions: Sessions, intruders: Intruders, steps: StepOracle
    ) -> None:
        self._cloud = cloud
        self._intruders = intruders
        self._sessions = sessions
        self._steps = steps
        self._asked: dict[str, dict[str, Any]] = {}
        """What was asked for first, by trade. A copy of the request asks for the same."""
        steps.advanced = self.begins

    def begins(self, reversal: Item) -> None:
        """An operator sees the break. It closes the advance after a while."""
        trade_id, client_id = reversal["trade_id"], reversal["client_id"]
        random = Random(f"{self._cloud.seed}/advance/{trade_id}")
        tried = random.choice(of_advances(client_id, OPERATOR))
        after = random.choice(NOTICED_AFTER) * random.uniform(0.9, 1.0)
        names = [f"{OPERATOR} closes {trade_id}.{copy}" for copy in range(random.choice((1, 2)))]
        for name in names:
            # Each copy decides alike.
            own = Random(f"{self._cloud.seed}/advance/{trade_id}/closure")
            self._later(after, name, lambda own=own: self._close(reversal, own))  # type: ignore[misc]
        trespass = Action(after, "intruder", "trespass", {"route": tried, "key": trade_id})
        self._later(
            after * random.random(),
            f"intruder closes {trade_id}",
            lambda: self._intruders.trespass(trespass),
        )

    def _later(self, seconds: float, name: str, body: Callable[[], None]) -> None:
        self._cloud.engine.after(seconds, lambda: self._sessions.start(name, body))

    def _close(self, reversal: Item, random: Random) -> None:
        """Ask for what the client should pay back. If that is refused, write everything off."""
        if random.random() < PAYS_IN:
            self._pay_in(reversal, random.choice((Decimal("0.5"), Decimal(1))))
        trade_id, key = reversal["trade_id"], "closure"
        wanted = self._asked.setdefault(trade_id, self._wanted(reversal, random))
        answer = self._send(reversal, wanted, key)
        if answer.status == 422:
            wanted, key = wanted | {"repaid_cash": "0.00", "repaid_shares": 0}, "written-off"
            answer = self._send(reversal, wanted, key)
        if answer.status == 201:
            self._repeat(reversal, wanted, random.choice((key, "once-more")))

    def _pay_in(self, reversal: Item, part: Decimal) -> None:
        """The client sends a part of what was advanced. An operator books the deposits."""
        symbol, shares = reversal["symbol"], int(reversal["advanced_shares"] * part)
        cash = (reversal["advanced_cash"] * part).quantize(CENT, ROUND_DOWN)
        deposits: list[dict[str, Any]] = []
        if cash:
            deposits.append({"amount": str(cash)})
        if shares:
            cost = str(SYMBOLS[symbol] * shares)
            deposits.append({"symbol": symbol, "quantity": shares, "cost": cost})
        for deposit in deposits:
            reference = f"{'cash' if 'amount' in deposit else 'shares'}-{reversal['trade_id']}"
            path = f"clients/{reversal['client_id']}/deposits"
            body = deposit | {"reference": reference, "reason": "simulated"}
            answer = self._sessions.request(
                OPERATOR, "POST", f"/api/v1/admin/{path}", reference, body
            )
            if answer.status == 201:
                self._steps.trail.answered(path, body)
                check_booked(path, body, answer, self._steps.ledger.entries)

    def _wanted(self, reversal: Item, random: Random) -> dict[str, Any]:
        """A closure, sensible or not, by what the client has now."""
        share = random.choice((Decimal(0), Decimal("0.5"), Decimal(1), Decimal(1), Decimal(2)))
        is_modest = random.random() < 0.5
        cash, shares = reversal["advanced_cash"], int(reversal["advanced_shares"])
        account, positions, _ = self._now(reversal["client_id"])
        if is_modest and share <= 1:
            cash = min(cash, max(_free_cash(account), ZERO))
            shares = min(shares, max(_free_shares(positions, reversal["symbol"]), 0))
        return {
            "repaid_cash": str((cash * share).quantize(CENT, ROUND_DOWN)),
            "repaid_shares": int(shares * share),
            "reference": f"case-{reversal['trade_id'][-8:]}",
            "reason": "simulated",
        }

    def _send(self, reversal: Item, body: dict[str, Any], name: str) -> Answer:
        trade_id, began = reversal["trade_id"], self._cloud.engine.now
        path = f"/api/v1/admin/advances/{trade_id}/closure"
        key = f"{name}-{trade_id}"
        answer = self._sessions.request(OPERATOR, "POST", path, key, body)
        self._cloud.log(OPERATOR, "was told of the advance", trade_id, answer.status)
        entry = self._steps.ledger.entries.get((trade_id, "CLOSED_ADVANCE"))
        match answer.status:
            case 201:
                check_closed(body, answer, entry)
                self._steps.trail.answered(f"advances/{trade_id}/closure", body)
            case 202 if "Idempotency-Replayed" in answer.headers:
                pass
            case 202:
                return self._approved(reversal, body, name, answer.json()["proposal_id"])
            case 409 if answer.json()["code"] == "ADVANCE_CLOSED":
                differs = entry is not None and _amounts(body) != _amounts(entry)
                equal("only another closure is refused", trade_id, differs, True)
            case 422 if answer.json()["code"] in REFUSED:
                if "Idempotency-Replayed" not in answer.headers:
                    states = self._steps.states(reversal["client_id"], began)
                    check_refused(reversal, body, answer.json()["code"], states)
            case status if status in (0, 409, 429) or status >= 500:
                pass
            case _:
                raise ViolationError(
                    "an advance is closed once", trade_id, f"{answer.status} {answer.body!r}"
                )
        return answer

    def _approved(
        self, reversal: Item, body: dict[str, Any], name: str, proposal_id: str
    ) -> Answer:
        """A second operator approves. Then the request finds the closure."""
        began, path = self._cloud.engine.now, f"/api/v1/admin/proposals/{proposal_id}/approval"
        answer = self._sessions.request(
            DEPUTY, "POST", path, f"approval-{proposal_id}", {"reason": "simulated"}
        )
        if answer.status == 422:
            states = self._steps.states(reversal["client_id"], began)
            check_refused(reversal, body, answer.json()["code"], states)
        if answer.status == 200:
            self._steps.trail.decided(answer.json())
        return answer if answer.status != 200 else self._send(reversal, body, f"{name}-approved")

    def _repeat(self, reversal: Item, body: dict[str, Any], key: str) -> None:
        """Ask for the same closure again, and for another one."""
        process = current()
        assert process is not None
        process.sleep(LATE)
        again = self._send(reversal, body, key)
        is_unfinished = again.status == 409 and again.json()["code"] == "IN_PROGRESS"
        if (again.status in (409, 422) and not is_unfinished) or (
            again.status == 201 and "Idempotency-Replayed" not in again.headers
        ):
            raise ViolationError(
                "a late copy of a request does nothing", reversal["trade_id"], f"{again.status}"
            )
        other = self._send(reversal, body | {"reference": "another-case"}, "another")
        if other.status in (201, 422):
            raise ViolationError(
                "an advance is closed once", reversal["trade_id"], f"{other.status}"
            )

    def _now(self, client_id: str) -> State:
        last = self._steps.moments[client_id][-1]
        return last.account, last.positions, ()


def _free_cash(account: Item) -> Decimal:
    free: Decimal = account.get("available", ZERO) - account.get("credit_used", ZERO)
    return free


def _free_shares(positions: Mapping[str, Item], symbol: str) -> int:
    owned = positions.get(symbol, {})
    return int(owned.get("available", 0) - owned.get("receivable", 0))


def _amounts(closure: Item) -> tuple[Any, ...]:
    cash, shares = Decimal(closure["repaid_cash"]), int(closure["repaid_shares"])
    return cash, shares, closure["reference"]


def check_closed(body: Item, answer: Answer, entry: Item | None) -> None:
    """A closure that was answered with 201 is in the ledger, as it was asked."""
    told = answer.json()
    if entry is None:
        raise ViolationError("every answered closure is booked", told["trade_id"], str(told))
    equal("a closure is booked as it was asked", told["trade_id"], _amounts(entry), _amounts(body))
    equal("a closure is answered as it was asked", told["trade_id"], _amounts(told), _amounts(body))
    said = (Decimal(told["written_off_cash"]), told["written_off_shares"], told["client_id"])
    booked = (entry["written_off_cash"], entry["written_off_shares"], entry["client_id"])
    equal("a closure is answered as it is booked", told["trade_id"], said, booked)


def check_refused(reversal: Item, body: Item, code: str, states: list[State]) -> None:
    """A closure is refused only if it is too large, or is not covered. Raises ViolationError."""
    cash, shares, _ = _amounts(body)
    exceeds = cash > reversal["advanced_cash"] or shares > reversal["advanced_shares"]
    equal("a closure is refused for its reason", body["reference"], code == REFUSED[0], exceeds)
    for account, positions, _ in states:
        too_much = cash > max(_free_cash(account), ZERO) or (
            shares > max(_free_shares(positions, reversal["symbol"]), 0)
        )
        if exceeds or (code == "NOT_WITHDRAWABLE" and too_much):
            return
        if code == "LOAN_NOT_COVERED" and _free_cash(account) < cash and shares:
            return
    raise ViolationError("no closure is refused without a reason", body["reference"], code)
