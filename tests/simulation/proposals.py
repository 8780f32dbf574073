"""Transfers that need a second person: who decides on them, and the rules for what is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

from tests.simulation.api_gateway import Answer
from tests.simulation.audit_trail import DEPUTYS_WHO, REASON, WHO, AuditTrail
from tests.simulation.engine import current
from tests.simulation.instants import moment
from tests.simulation.intruders import Intruders
from tests.simulation.items import Item, plain
from tests.simulation.ledger import Entries
from tests.simulation.lives import CLOCKS_DIFFER_BY
from tests.simulation.market import SYMBOLS
from tests.simulation.names import TRANSFER_APPROVAL_ABOVE
from tests.simulation.scenario import Action
from tests.simulation.sessions import DEPUTY, OPERATOR, Sessions
from tests.simulation.violations import ViolationError, check_version, equal
from trading.domain import identifiers

PROPOSALS = "/api/v1/admin/proposals"
KEPT_SECONDS, VALID_SECONDS = 90 * 86_400, 7 * 86_400
SURELY_WORTH = Decimal("0.5")
"""Prices stay above this part of the reference price."""
PLANS = (
    "approve",
    "approve",
    "approve twice",
    "reject",
    "take back",
    "own",
    "race",
    "too late",
    "leave",
)
PASSING = {
    OPERATOR: ("IN_PROGRESS", "CONCURRENT_UPDATE"),
    DEPUTY: ("IN_PROGRESS", "CONCURRENT_UPDATE", "CLIENT_INACTIVE"),
}
"""Refusals that say nothing about the proposal. The deputy is disabled for a while."""
WRITTEN = "a proposal is written as it was asked for and decided"
IDS = {"deposit": identifiers.deposit_id, "withdrawal": identifiers.withdrawal_id}
SECOND_PERSON = "a large change needs a second person"


def check_written(before: Any, after: Any) -> Item:
    """A proposal is written once and decided once, by another operator if it is approved."""
    if after is None:  # its time to live is over
        return {}
    proposal = plain(after)
    kept = int(proposal["expires_at"]) - moment(proposal["proposed_at"])
    if not KEPT_SECONDS - 1 <= kept <= KEPT_SECONDS:
        raise ViolationError("proposals are kept", proposal["proposal_id"], f"made as {proposal}")
    decision = proposal.get("decision")
    if before is None:
        if decision is not None or Decimal(proposal["value"]) <= TRANSFER_APPROVAL_ABOVE:
            raise ViolationError(SECOND_PERSON, proposal["proposal_id"], f"made as {proposal}")
        _check_new(proposal)
        return proposal
    known = plain(before)
    check_version(proposal["proposal_id"], known, proposal)
    changed = {name for name in known | proposal if known.get(name) != proposal.get(name)}
    if "decision" in known or not changed <= {"decision", "pending", "version"}:
        raise ViolationError(
            "a proposal is decided once", proposal["proposal_id"], f"{known} became {proposal}"
        )
    assert decision is not None
    _check_decision(proposal, decision)
    if "pending" in proposal:
        raise ViolationError(
            "only a waiting proposal is listed", proposal["proposal_id"], f"{proposal}"
        )
    if decision["status"] == "APPROVED" and decision["by"] == proposal["proposed_by"]:
        raise ViolationError("nobody approves an own proposal", proposal["proposal_id"], "approved")
    return proposal


def _check_new(proposal: Item) -> None:
    """A new proposal is listed, and says who asks and why. Cash counts as it is, and shares at the
    reference price or higher, and a deposit at its cost or higher.
    """
    said = proposal["proposed_by"], proposal["proposed_with"], proposal["reason"]
    equal(WRITTEN, proposal["proposal_id"], said, (OPERATOR, WHO, REASON))
    equal(WRITTEN, proposal["proposal_id"], proposal.get("pending"), "PENDING")
    check_version(proposal["proposal_id"], None, proposal)
    if proposal["change"] == "advance-closure":
        return
    request, value = json.loads(proposal["request"]), Decimal(proposal["value"])
    if "amount" in request:
        equal(WRITTEN, proposal["proposal_id"], value, Decimal(request["amount"]))
    else:
        least = SYMBOLS[request["symbol"]] * request["quantity"]
        least = max(least, Decimal(request.get("cost") or 0))
        equal(WRITTEN, proposal["proposal_id"], value >= least, True)


def _check_decision(proposal: Item, decision: Item) -> None:
    """Somebody who may has decided in time, and says why."""
    asked, decided = moment(proposal["proposed_at"]), moment(decision["at"])
    if decided >= asked + VALID_SECONDS:
        raise ViolationError("no decision comes too late", proposal["proposal_id"], str(decision))
    who = {OPERATOR: WHO, DEPUTY: DEPUTYS_WHO}.get(decision["by"])
    equal(WRITTEN, proposal["proposal_id"], (decision["who"], decision["reason"]), (who, REASON))


def check_step(written: Iterable[Item], transfers: Iterable[Item], entries: Entries) -> None:
    """A large transfer, or the close of a large advance, is booked together with the approval of
    its proposal. An approval is written together with its entry, unless that was booked before.
    """
    approved = [each for each in written if each.get("decision", {}).get("status") == "APPROVED"]
    for proposal in approved:
        if entry_of(proposal) not in entries:
            raise ViolationError(
                "an approval is carried out at once", proposal["proposal_id"], "nothing is booked"
            )
    allowed = {entry_of(each) for each in approved}
    for entry in transfers:
        is_alone = (entry["trade_id"], entry["kind"]) not in allowed
        if is_alone and not entry["reference"].startswith("opening") and _is_large(entry):
            raise ViolationError(SECOND_PERSON, entry["trade_id"], str(entry.get("postings")))


def entry_of(proposal: Item) -> tuple[str, str]:
    """The key of the entry that an approval books."""
    if proposal["change"] == "advance-closure":
        return proposal["subject"], "CLOSED_ADVANCE"
    reference = json.loads(proposal["request"])["reference"]
    return IDS[proposal["change"]](proposal["subject"], reference), proposal["change"].upper()


def _is_large(entry: Item) -> bool:
    """Whether a change is worth more than the amount, at any price that there may be."""
    if entry["kind"] == "CLOSED_ADVANCE":
        shares = int(entry["repaid_shares"]) + int(entry["written_off_shares"])
        cash = entry["repaid_cash"] + entry["written_off_cash"]
        return bool(
            cash + shares * SYMBOLS[entry["symbol"]] * SURELY_WORTH > TRANSFER_APPROVAL_ABOVE
        )
    moved = next(p for p in entry["postings"] if p["account"].startswith("client:"))
    amount, cost = abs(moved["amount"]), entry.get("cost") or Decimal(0)
    if moved["asset"] in SYMBOLS:
        worth = amount * SYMBOLS[moved["asset"]] * SURELY_WORTH
        amount = max(worth, cost if entry["kind"] == "DEPOSIT" else worth)
    return bool(amount > TRANSFER_APPROVAL_ABOVE)


class SecondPersons:
    """Decides on what was proposed, wisely or not."""

    def __init__(
        self,
        sessions: Sessions,
        intruders: Intruders,
        trail: AuditTrail,
        written: Mapping[str, Item],
        seed: str,
        check_refused: Callable[[str, dict[str, Any], Answer, float], None],
        now: Callable[[], float],
    ) -> None:
        self._sessions = sessions
        self._intruders = intruders
        self._trail = trail
        self._written = written
        self._seed = seed
        self._check_refused = check_refused
        self._now = now

    def begin(self, action: Action, body: dict[str, Any], answer: Answer) -> None:
        """Judge the answer to what needs a second person, and let somebody decide later."""
        told, path = answer.json(), action.fields["path"]
        asked = {name: value for name, value in body.items() if name not in ("reason", "code")}
        client_id = path.split("/")[1]
        if (told["client_id"], told["request"], told["proposed_by"]) != (
            client_id,
            asked,
            OPERATOR,
        ):
            raise ViolationError("a proposal is what was asked for", path, str(told))
        for word in ("propose", "proposed"):
            self._trail.require(f"client/{client_id}", word, proposal_id=told["proposal_id"])
        random = Random(f"{self._seed}/proposals/{path}/{action.at}")
        plan, later = random.choice(PLANS), random.choice((1, 30, 900)) * random.random()
        later += VALID_SECONDS + 2 * CLOCKS_DIFFER_BY if plan == "too late" else 0
        number = self._sessions.next_number()

        def decide() -> None:
            process = current()
            assert process is not None
            process.sleep(later)
            self._decide(plan, action, body, told)

        self._sessions.start(f"second person {number}", decide)

    def _decide(
        self, plan: str, action: Action, body: dict[str, Any], told: dict[str, Any]
    ) -> None:
        proposal_id = told["proposal_id"]
        if plan == "own":
            self._approve(OPERATOR, action, body, proposal_id)
        if plan == "race":
            number = self._sessions.next_number()
            self._sessions.start(f"takes back {number}", lambda: self._take_back(proposal_id))
        if plan == "reject" and self._reject(DEPUTY, proposal_id):
            self._reject(OPERATOR, proposal_id)
        if plan == "take back" and self._reject(OPERATOR, proposal_id):
            self._approve(DEPUTY, action, body, proposal_id)
        if plan == "too late":
            self._approve(DEPUTY, action, body, proposal_id)
            self._reject(OPERATOR, proposal_id)
        if plan in ("approve", "approve twice", "own", "race"):
            self._look(told)
            for number in range(2 if plan == "approve twice" else 1):
                self._approve(DEPUTY, action, body, proposal_id, number)

    def _approve(
        self, who: str, action: Action, body: dict[str, Any], proposal_id: str, number: int = 0
    ) -> None:
        began = self._now()
        answer = self._send(who, proposal_id, "approval", number)
        if answer.status == 422:
            self._check_refused(action.fields["path"], body, answer, began)
        else:
            self._judge(who, proposal_id, "APPROVED", answer)

    def _take_back(self, proposal_id: str) -> None:
        self._reject(OPERATOR, proposal_id)

    def _reject(self, who: str, proposal_id: str) -> bool:
        """Whether it was answered that the proposal is rejected."""
        answer = self._send(who, proposal_id, "rejection")
        self._judge(who, proposal_id, "REJECTED", answer)
        return answer.status == 200

    def _judge(self, who: str, proposal_id: str, status: str, answer: Answer) -> None:
        """A decision is answered as it is written. If it is refused, the code says why."""
        if answer.status in (0, 429) or answer.status >= 500:
            return
        proposal, told = self._written[proposal_id], answer.json()
        decision = proposal.get("decision", {})
        if answer.status == 200:
            said = (told["status"], told["decided_by"], told["decision_reason"])
            written = (decision.get("status"), decision.get("by"), decision.get("reason"))
            equal("a decision is answered as it is", proposal_id, said, written)
            equal("a decision is answered as it is", proposal_id, said[:2], (status, who))
            self._trail.decided(told)
            return
        if told["code"] == "OWN_PROPOSAL":
            self._trail.refused_own(proposal_id)
        is_unconfirmed = proposal["change"] == "withdrawal" and not proposal["with_code"]
        if told["code"] == "SECOND_FACTOR_REQUIRED" and is_unconfirmed:
            return
        code = self._code(who, proposal, status)
        if told["code"] not in (code, *PASSING[who]):
            raise ViolationError(
                "a refused decision is told why", proposal_id, f"{answer.body!r}, not {code}"
            )
        if told["code"] == "PROPOSAL_DECIDED":
            details = {"status": decision["status"], "decided_by": decision["by"]}
            equal("a refused decision is told why", proposal_id, told["details"], details)

    def _code(self, who: str, proposal: Item, status: str) -> str:
        """Why this decision is refused, by what is written. Empty: it is not."""
        if status == "APPROVED" and who == proposal["proposed_by"]:
            return "OWN_PROPOSAL"
        decision = proposal.get("decision")
        if decision is not None:
            is_own = (decision["status"], decision["by"]) == (status, who)
            return "" if is_own else "PROPOSAL_DECIDED"
        expires = moment(proposal["proposed_at"]) + VALID_SECONDS
        return "PROPOSAL_EXPIRED" if self._now() > expires else ""

    def _look(self, told: dict[str, Any]) -> None:
        """A second person looks before deciding."""
        listed = self._sessions.request(DEPUTY, "GET", PROPOSALS, "list", None)
        if listed.status == 200:
            ids = [line["proposal_id"] for line in listed.json()["items"]]
            if len(ids) != len(set(ids)):
                raise ViolationError("a proposal is listed once", told["proposal_id"], str(ids))
        path = f"{PROPOSALS}/{told['proposal_id']}"
        shown = self._sessions.request(DEPUTY, "GET", path, "show", None)
        if shown.status == 200:
            self._trail.looked(told["client_id"], DEPUTY, path)
            if shown.json()["request"] != told["request"]:
                raise ViolationError("a proposal is shown as it is", path, f"{shown.body!r}")

    def _send(self, who: str, proposal_id: str, decision: str, number: int = 0) -> Answer:
        key = f"{decision}-{who}-{proposal_id}-{number}"
        path = f"{PROPOSALS}/{proposal_id}/{decision}"
        return self._sessions.request(who, "POST", path, key, {"reason": "simulated"})
