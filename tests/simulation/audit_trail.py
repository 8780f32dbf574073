"""The audit log as it was written, and checks that every act of an operator is in it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.simulation.items import Item, plain
from tests.simulation.sessions import DEPUTY, OPERATOR
from tests.simulation.violations import ViolationError

WHO, REASON = f"{OPERATOR} (key-{OPERATOR})", "simulated"
"""The operator of the simulation, and the reason that every request states."""
DEPUTYS_WHO = f"{DEPUTY} (key-{DEPUTY})"
"""The second person, who decides on proposals and looks at clients."""
DONE = {
    "close advance": "closed advance",
    "deposit": "deposited",
    "withdraw": "withdrawn",
    "suspend": "suspended",
    "activate": "activated",
    "halt": "halted",
    "resume": "resumed",
    "rotate-secret": "secret-rotated",
}
"""What the log says after an action, by what it says before."""
APPROVAL, REJECTION = ("approve", "approved"), ("reject", "rejected")
CHANGES = {"deposit": "deposit", "withdrawal": "withdraw", "advance-closure": "close advance"}
"""Actions by what was proposed."""
OF_PATH = {
    "closure": "close advance",
    "deposits": "deposit",
    "withdrawals": "withdraw",
    "suspension": "suspend",
    "activation": "activate",
}
"""Actions by the last part of their path."""


class AuditTrail:
    """Learns of every entry of the audit log."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], list[Item]] = {}
        self._actions: Counter[str] = Counter()

    def add(self, before: Any, after: Any) -> None:
        """Record a new entry. Entries never change."""
        if before is not None or after is None:
            raise ViolationError(
                "the audit log never changes", (before or after)["subject"]["S"], f"{after}"
            )
        entry = plain(after)
        self._entries.setdefault((entry["subject"], entry["action"]), []).append(entry)
        self._actions[entry["action"]] += 1

    def count(self, action: str) -> int:
        """How many entries an action has, over all subjects."""
        return self._actions[action]

    def require_own(self, kind: str, name: str, action: str) -> None:
        """Raise ViolationError unless the log says that a client or an operator has done that for
        itself.
        """
        subject = f"{kind}/{name}"
        entries = self._entries.get((subject, action), ())
        if not any(entry["who"] == f"{name} (key-{name})" for entry in entries):
            raise ViolationError(
                "every change of a second factor is in the audit log", subject, f"{action}"
            )

    def require(self, subject: str, action: str, **details: str) -> None:
        """Raise ViolationError unless the log says who does that to the subject, and why."""
        for entry in self._entries.get((subject, action), ()):
            named = {name: entry["details"].get(name) for name in details}
            is_decided = "proposal_id" in entry["details"] and entry["who"] == DEPUTYS_WHO
            who = DEPUTYS_WHO if is_decided else WHO
            if (entry["who"], entry["reason"], named) == (who, REASON, details):
                return
        known = self._entries.get((subject, action))
        raise ViolationError(
            "every act of an operator is in the audit log",
            subject,
            f"{action} {details}: {known}",
        )

    def decided(self, told: Item) -> None:
        """A decision on a proposal that was answered stands in the log before and after it, and so
        does the change if it was approved.
        """
        client, approved = f"client/{told['client_id']}", told["status"] == "APPROVED"
        words = [(client, word) for word in (APPROVAL if approved else REJECTION)]
        if approved:
            action = CHANGES[told["change"]]
            of_advance = told["change"] == "advance-closure"
            subject = f"advance/{told['subject']}" if of_advance else client
            words += [(subject, action), (subject, DONE[action])]
        for subject, word in words:
            self.require(subject, word, proposal_id=told["proposal_id"])

    def refused(self, caller: str, method: str, path: str) -> None:
        """An attempt that was answered with 403 is in the log."""
        for entry in self._entries.get((f"operator/{OPERATOR}", "refused"), ()):
            asked = entry["details"].get("method"), entry["details"].get("path")
            if (entry["who"], asked) == (f"{OPERATOR} (key-{caller})", (method, path)):
                return
        raise ViolationError(
            "every refused attempt of an operator is in the audit log",
            caller,
            f"{method} {path}",
        )

    def refused_own(self, proposal_id: str) -> None:
        """A try of the operator to approve an own proposal is in the log."""
        for entry in self._entries.get((f"operator/{OPERATOR}", "refused"), ()):
            if (entry["who"], entry["details"].get("proposal_id")) == (WHO, proposal_id):
                return
        raise ViolationError(
            "every refused attempt of an operator is in the audit log", OPERATOR, proposal_id
        )

    def looked(self, client_id: str, who: str, path: str) -> None:
        """A look at a client that was answered is in the log."""
        for entry in self._entries.get((f"client/{client_id}", "look"), ()):
            if (entry["who"], entry["details"]["path"]) == (f"{who} (key-{who})", path):
                return
        raise ViolationError("every look at a client is in the audit log", client_id, path)

    def transfer(self, entry: Item) -> None:
        """A transfer that an operator makes is announced before it is booked."""
        if entry["reference"].startswith("opening"):  # the simulation's own, before the run
            return
        action = "deposit" if entry["kind"] == "DEPOSIT" else "withdraw"
        self.require(f"client/{entry['client_id']}", action, reference=entry["reference"])

    def client(self, before: Any, after: Any) -> None:
        """A change of a client's status is announced before it is made."""
        if before is None or before["status"] == after["status"]:
            return
        action = "activate" if after["status"]["S"] == "ACTIVE" else "suspend"
        self.require(f"client/{after['client_id']['S']}", action)

    def instrument(self, before: Any, after: Any) -> None:
        """A halt or a resumption is announced before it is made."""
        if before is None or before["tradable"] == after["tradable"]:
            return
        action = "resume" if after["tradable"]["BOOL"] else "halt"
        self.require(f"instrument/{after['id']['S']}", action)

    def answered(self, path: str, body: Item) -> None:
        """An operator's request that was answered stands in the log before and after it."""
        kind, name, what = path.split("/")
        action = OF_PATH.get(what, what)
        details = {"reference": body["reference"]} if "reference" in body else {}
        for word in (action, DONE[action]):
            self.require(f"{kind.removesuffix('s')}/{name}", word, **details)
