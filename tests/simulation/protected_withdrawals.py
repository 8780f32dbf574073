"""Clients who want a code for each withdrawal, and operators who have one, or do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.api_gateway import Answer
from tests.simulation.authenticators import PROMPT, Authenticator, is_about_code, wants_code
from tests.simulation.engine import current
from tests.simulation.items import Item, plain
from tests.simulation.scenario import Action
from tests.simulation.sessions import DEPUTY, OPERATOR, Sessions
from tests.simulation.violations import ViolationError

CONFIRMED = "a protected withdrawal uses a code of the client"
KNOWN_WITHIN = 60.0
"""Seconds. A function that has read the policy before has ended by then."""
SMALL, LARGE = "1.00", "100000.01"
"""Below the amount that needs a second person, and above it."""


@dataclass
class Confirmations:
    """Which withdrawals a client has confirmed with a code, by the items as written."""

    now: Callable[[], float]
    _since: dict[str, float] = field(default_factory=dict)
    """When the client protected withdrawals."""
    _used: set[tuple[str, str]] = field(default_factory=set)
    """The holder of each code that was used, and the request that used it."""

    def client(self, after: Any) -> None:
        """A profile was written."""
        client_id = after["client_id"]["S"]
        if after.get("second_factor_to_withdraw", {}).get("BOOL", False):
            self._since.setdefault(client_id, self.now())
        else:
            self._since.pop(client_id, None)

    def factor(self, after: Any) -> None:
        """A second factor was written."""
        factor = plain(after)
        requests = [each["request"] for each in factor.get("used_recovery_codes", ())]
        requests.append(factor.get("last_request"))
        self._used.update((factor["holder"], request) for request in requests if request)

    def withdrawn(self, client_id: str, withdrawal_id: str) -> None:
        """A withdrawal is booked or proposed. Raises ViolationError."""
        since = self._since.get(client_id)
        if since is None or self.now() < since + KNOWN_WITHIN:
            return
        if (f"client/{client_id}", withdrawal_id) not in self._used:
            raise ViolationError(CONFIRMED, client_id, withdrawal_id)


class ProtectedWithdrawals:
    """Lets an operator withdraw for a client who protects that. `administer`: sends a request of
    the operator, and judges what it does.
    """

    def __init__(
        self,
        sessions: Sessions,
        administer: Callable[[Action], Answer],
        judge: Callable[[Action, Answer, set[int]], None],
        now: Callable[[], float],
    ) -> None:
        self.clients: set[str] = set()
        """Those whose withdrawals may need a code."""
        self._sessions = sessions
        self._administer = administer
        self._judge = judge
        self._now = now

    def may_want_code(self, path: str, answer: Answer) -> bool:
        """Whether a request of an operator may be answered so, because of a code."""
        _, name, *what = path.split("/")
        is_protected = what == ["withdrawals"] and name in self.clients
        return is_protected and (wants_code(answer) or is_about_code(answer))

    def propose_early(self, client_id: str) -> str | None:
        """Propose a large withdrawal before the policy is set. The id of the proposal."""
        body = {"reference": "early", "amount": LARGE, "reason": "simulated"}
        path = f"/api/v1/admin/clients/{client_id}/withdrawals"
        answer = self._sessions.request(OPERATOR, "POST", path, f"early-{client_id}", body)
        return answer.json()["proposal_id"] if answer.status == 202 else None

    def play(self, action: Action, phone: Authenticator, early: str | None) -> None:
        """The policy is set. Approve the early proposal. Withdraw without a code, with a wrong one,
        with a right one, and with the same one again.
        """
        client_id, process = action.who, current()
        assert process is not None
        process.sleep(KNOWN_WITHIN)
        if early:
            self._judge(action, self._approve(early), {401, 403, 422})
        for number, amount in enumerate((SMALL, LARGE)):
            name = f"protected-{number}"
            action, answer = self._withdraw(client_id, name, amount)
            self._judge(action, answer, {403, 422})
            wrong = phone.wrong(number)
            action, answer = self._withdraw(client_id, name, amount, code=wrong)
            self._judge(action, answer, {401, 422})
            code, began = phone.next(), self._now()
            action, answer = self._withdraw(client_id, name, amount, code=code)
            if is_about_code(answer) and self._now() - began < PROMPT:
                raise ViolationError("a valid code is accepted", client_id, f"{answer.body!r}")
            if answer.status in (201, 202):
                action, answer = self._withdraw(client_id, f"{name}-more", amount, code=code)
                self._judge(action, answer, {401, 422})

    def _approve(self, proposal_id: str) -> Answer:
        path = f"/api/v1/admin/proposals/{proposal_id}/approval"
        key, body = f"approve-{proposal_id}", {"reason": "simulated"}
        return self._sessions.request(DEPUTY, "POST", path, key, body)

    def _withdraw(
        self, client_id: str, reference: str, amount: str, **code: str
    ) -> tuple[Action, Answer]:
        body: Item = {"reference": reference, "amount": amount, "reason": "simulated"} | code
        path = f"clients/{client_id}/withdrawals"
        fields = {"method": "POST", "path": path, "body": body}
        action = Action(self._now(), "operator", "administer", fields)
        return action, self._administer(action)
