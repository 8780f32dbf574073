"""Clients who want a code for each withdrawal, and operators who have one, or do not."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.administration import Administration
from tests.simulation.api_gateway import Answer
from tests.simulation.authenticators import PROMPT, Authenticator, is_about_code
from tests.simulation.cloud import Cloud
from tests.simulation.confirmations import KNOWN_WITHIN
from tests.simulation.engine import current
from tests.simulation.items import Item
from tests.simulation.scenario import Action
from tests.simulation.sessions import DEPUTY, OPERATOR, Sessions
from tests.simulation.violations import ViolationError

SMALL, LARGE = "1.00", "100000.01"
"""Below the amount that needs a second person, and above it."""


class ProtectedWithdrawals:
    """Lets an operator withdraw for a client who protects that."""

    def __init__(
        self,
        cloud: Cloud,
        sessions: Sessions,
        administration: Administration,
        judge: Callable[[Action, Answer, set[int]], None],
    ) -> None:
        self._cloud = cloud
        self._sessions = sessions
        self._administration = administration
        self._judge = judge

    def propose_early(self, client_id: str) -> str | None:
        """Propose a large withdrawal before the policy is set. The id of the proposal. From now on,
        a withdrawal may need a code.
        """
        self._administration.protected.add(client_id)
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
            code, began = phone.next(), self._cloud.engine.now
            action, answer = self._withdraw(client_id, name, amount, code=code)
            if is_about_code(answer) and self._cloud.engine.now - began < PROMPT:
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
        action = Action(self._cloud.engine.now, "operator", "administer", fields)
        return action, self._administration.answer_to(action)
