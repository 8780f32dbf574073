"""Invariants that hold at all times.

They are checked on the items as written, independently of the code that writes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.acceptance import State, Wanted, check_rejection, open_orders
from tests.simulation.audit_trail import AuditTrail
from tests.simulation.balances import (
    check_account,
    check_fills,
    check_named,
    check_positions,
    check_signs,
    check_withdrawal,
    holds_of,
)
from tests.simulation.best_execution import BestExecution, Displayed
from tests.simulation.closures import check_covered
from tests.simulation.confirmations import Confirmations
from tests.simulation.corrections import check_advance
from tests.simulation.halts import Halts
from tests.simulation.instants import moment
from tests.simulation.items import Item, plain
from tests.simulation.ledger import Ledger
from tests.simulation.lives import CLOCKS_DIFFER_BY, HOLDING, check_write, order_of
from tests.simulation.market import SYMBOLS
from tests.simulation.names import STAGE
from tests.simulation.prices import Prices
from tests.simulation.proposals import check_step, check_written, entry_of
from tests.simulation.replacing import Replacements
from tests.simulation.scenario import Trader
from tests.simulation.sights import Moment
from tests.simulation.terms import Terms, check_apart
from tests.simulation.violations import ViolationError, check_version, equal


@dataclass
class StepOracle:
    """After every step, checks the cheap invariants on what the step has changed."""

    traders: Mapping[str, Trader]
    terms: Terms
    halts: Halts
    replacements: Replacements = field(default_factory=Replacements)
    ledger: Ledger = field(default_factory=Ledger)
    trail: AuditTrail = field(default_factory=AuditTrail)
    accounts: dict[str, Item] = field(default_factory=dict)
    positions: dict[tuple[str, str], Item] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders_of: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """Each client's orders."""
    obligations: dict[str, Item] = field(default_factory=dict)
    attention: dict[str, str] = field(default_factory=dict)
    proposals: dict[str, Item] = field(default_factory=dict)
    """As they were written last. Those that were forgotten stay."""
    report: Item = field(default_factory=dict)
    moments: dict[str, list[Moment]] = field(
        default_factory=lambda: defaultdict(lambda: [Moment({}, {}, {})])
    )
    """The successive states of each client's books."""

    asked_at: dict[str, float] = field(default_factory=dict)
    """When the client's request to cancel was first in the books, by the order's id."""
    advanced: Callable[[Item], None] = lambda _: None
    """Learns of each reversal with an advance."""
    displayed: Callable[[], Displayed] = dict
    """What the exchanges displayed to the process that ran last."""

    def __post_init__(self) -> None:
        self.prices = Prices(self.halts.now)
        self.confirmations = Confirmations(self.halts.now)
        self.best = BestExecution(
            self.halts.now,
            lambda: self.displayed(),
            lambda client_id: self.orders_of[client_id].values(),
        )

    def __call__(self, changes: Iterable[Any]) -> None:
        """Record the changes and check the clients that they concern. Raises ViolationError."""
        clients: set[str] = set()
        withdrawals: list[Item] = []
        reversals: list[Item] = []
        closures: list[Item] = []
        transfers: list[Item] = []
        proposals: list[Item] = []
        proposed: list[Item] = []
        for table, _, before, after in changes:
            match table.removeprefix(f"{STAGE}-"):
                case "ledger":
                    entry = self._entry(before, after)
                    clients.add(entry["client_id"])
                    if entry["kind"] in ("DEPOSIT", "WITHDRAWAL"):
                        transfers.append(entry)
                    if entry["kind"] == "WITHDRAWAL":
                        withdrawals.append(entry)
                    if entry["kind"] == "REVERSAL":
                        reversals.append(entry)
                    if entry["kind"] == "CLOSED_ADVANCE":
                        closures.append(entry)
                case "proposals":
                    proposals.append(check_written(before, after))
                    if before is None:
                        proposed.append(proposals[-1])
                    self._proposal(proposals[-1])
                case "audit":
                    self.trail.add(before, after)
                case "clients":
                    self.trail.client(before, after)
                    self.confirmations.client(after)
                case "factors":
                    self.confirmations.factor(after)
                case "accounts":
                    clients.add(self._balance(before, after))
                case "reference" if "tradable" in (after or {}):
                    self.trail.instrument(before, after)
                    self.halts.instrument(after["id"]["S"], after["tradable"]["BOOL"])
                case "control" if after is not None and after["name"]["S"].startswith("LAST#"):
                    self.prices.written(before, after)
                case "control" if after is not None:
                    self.best.record(after)
                    self._report(after)
                case "orders" if (after or before)["item"]["S"] == "ORDER":
                    clients.add(self._order(before, after))
        check_step(proposals, [*transfers, *closures], self.ledger.entries)
        self._confirmed(withdrawals, proposals, proposed)
        for entry in withdrawals:
            client_id = entry["client_id"]
            to_receive = self.terms.to_receive[client_id]
            check_withdrawal(
                entry, self.accounts[client_id], self._positions_of(client_id), to_receive
            )
        for entry in reversals:
            owner = entry["client_id"]
            position = self.positions[owner, entry["symbol"]]
            check_advance(entry, self.accounts[owner], position)
            if entry["advanced_cash"] or entry["advanced_shares"]:
                self.advanced(entry)
        for entry in closures:
            owner = entry["client_id"]
            position = self.positions[owner, entry["symbol"]]
            check_covered(entry, self.accounts[owner], position, self.terms.to_receive[owner])
        for client_id in clients:
            self._client(client_id)

    def asked_to_clear(self, order_id: str) -> None:
        """Check that a clearing message is sent only after a fill is committed."""
        order = self.orders.get(order_id)
        if order is None or not order.get("trades"):
            raise ViolationError(
                "no order is sent to clearing before its fill", order_id, "it has no trade"
            )

    def _entry(self, before: Any, after: Any) -> Item:
        if before is not None or after is None:
            name = " ".join((before or after)[key]["S"] for key in ("trade_id", "kind"))
            raise ViolationError("ledger entries are immutable", name, f"{before} became {after}")
        entry = plain(after)
        client_id = entry["client_id"]
        self.ledger.add(entry)
        self.ledger.times[entry["trade_id"], entry["kind"]] = self.halts.now()
        self.prices.entry(entry)
        if entry["kind"] in ("DEPOSIT", "WITHDRAWAL"):
            self.trail.transfer(entry)
        if entry["kind"] == "CLOSED_ADVANCE":
            self.trail.require(
                f"advance/{entry['trade_id']}", "close advance", reference=entry["reference"]
            )
        free = self.ledger.cash(client_id) - self.accounts.get(client_id, {}).get("held", 0)
        self.terms.entry(entry, self.orders.get(entry.get("order_id", "")), free)
        return entry

    def _balance(self, before: Any, after: Any) -> str:
        if after is None:
            gone = plain(before)
            self.obligations.pop(gone["item"], None)
            return str(gone["client_id"])
        item = plain(after)
        client_id, name = str(item["client_id"]), item["item"]
        if name.startswith("OBLIGATION#"):
            self.obligations[name] = item
            return client_id
        if name == "CASH":
            check_version(f"{client_id} {name}", self.accounts.get(client_id), item)
            self.accounts[client_id] = item
        else:
            check_version(
                f"{client_id} {name}", self.positions.get((client_id, item["symbol"])), item
            )
            self.positions[client_id, item["symbol"]] = item
        check_signs(item)
        return client_id

    def _confirmed(
        self, withdrawals: list[Item], proposals: list[Item], proposed: list[Item]
    ) -> None:
        """A code is used for a proposal or for a withdrawal. An approval needs no other one."""
        if not any(proposal.get("with_code") for proposal in proposals):
            for entry in withdrawals:
                self.confirmations.withdrawn(entry["client_id"], entry["trade_id"])
        for proposal in proposed:
            if proposal["change"] == "withdrawal":
                withdrawal_id, _ = entry_of(proposal)
                self.confirmations.withdrawn(proposal["subject"], withdrawal_id)

    def _proposal(self, proposal: Item) -> None:
        if proposal:
            self.proposals[proposal["proposal_id"]] = proposal

    def _order(self, before: Any, after: Any) -> str:
        if after is None:
            raise ViolationError("orders are never deleted", before["order_id"]["S"], "deleted")
        order = order_of(after)
        order_id, client_id = order["order_id"], str(order["client_id"])
        if "attention_at" in order:
            self.attention[order_id] = order["attention_at"]
        else:
            self.attention.pop(order_id, None)
        was = self.orders.get(order_id)
        check_write(was, order)
        self.halts.order(was, order)
        if was is not None and len(order.get("children", ())) > len(was.get("children", ())):
            self.best.routed(was, order)
        if was is None and order["status"] == "REJECTED":
            self._rejected(order)
        if len(order["history"]) == 2 and order["status"] == "VALIDATED" and was is None:
            equal(
                "no suspended client trades",
                order_id,
                self.accounts[client_id].get("suspended", False),
                False,
            )
        if order.get("ending", {}).get("asked_by") == "client":
            self.asked_at.setdefault(order_id, self.halts.now())
        if order["status"] in HOLDING:
            check_apart(order, self._holding(client_id))
        if was is None:
            self.replacements.begins(order, self.orders)
        if was is None or len(was["history"]) == 1:
            self.terms.order(order, self._holding(client_id))
            self._self_trade(order)
            if len(order["history"]) > 1:
                self.terms.hours(order)
        self.orders[order_id] = self.orders_of[client_id][order_id] = order
        return client_id

    def _holding(self, client_id: str) -> list[Item]:
        """A client's orders that may still execute or take over."""
        return [o for o in self.orders_of[client_id].values() if o["status"] in HOLDING]

    def _rejected(self, order: Item) -> None:
        """A new order is rejected only for a reason that held when it was checked."""
        name, code, since = order["order_id"], order["reason_code"], moment(order["accepted_at"])
        self.halts.rejected(order, since)
        wanted = self.wanted(order, int(order["quantity"]))
        check_rejection(
            name,
            code,
            wanted,
            self.states(wanted.client_id, since),
            self.prices.decided(wanted.symbol, since) if wanted.symbol in SYMBOLS else (),
        )

    def wanted(self, order: Item, quantity: int) -> Wanted:
        """The terms of an order, for another quantity."""
        trader = self.traders[order["client_id"]]
        return Wanted(
            client_id=trader.client_id,
            symbol=order["symbol"],
            side=order["side"],
            quantity=quantity,
            limit_price=order.get("limit_price"),
            stop_price=order.get("stop_price"),
            business_date=order["business_date"],
            margin_percent=trader.margin_percent,
            daily_limit=trader.daily_limit,
        )

    def states(self, client_id: str, since: float) -> list[State]:
        """The states of a client's books from a time on, by a worker's clock."""
        found: list[State] = []
        for each in reversed(self.moments[client_id]):
            found.append((each.account, each.positions, open_orders(each.orders)))
            if each.since < since - CLOCKS_DIFFER_BY:
                break
        return found

    def _self_trade(self, order: Item) -> None:
        """An order rejected as a self-trade names an order of its client on the other side."""
        if order.get("reason_code") != "SELF_TRADE":
            return
        named = self.orders.get(order["history"][-1]["reason"].split()[-1].rstrip("."), {})
        said = (named.get("client_id"), named.get("symbol"), named.get("side") == order["side"])
        equal(
            "a self-trade names the client's other order",
            order["order_id"],
            said,
            (order["client_id"], order["symbol"], False),
        )

    def _report(self, after: Any) -> None:
        """The reconciliation in production raises no alarm when the books are right."""
        if after is None or not after["name"]["S"].startswith("RECONCILIATION#"):
            return
        self.report = report = plain(after)
        due = {obligation["trade_id"] for obligation in self.obligations.values()}
        for finding in report.get("findings", ()):
            overdue = finding["invariant"] == 7 and finding["message"].partition(" ")[0] in due
            if finding["confirmed"] and not overdue:
                raise ViolationError(
                    "reconciliation raises no false alarm", report["name"], str(finding)
                )

    def _client(self, client_id: str) -> None:
        own = self.orders_of[client_id].copy()
        account, positions = self.accounts.get(client_id), self._positions_of(client_id)
        at_work = [order for order in own.values() if order["status"] in HOLDING]
        holds = holds_of(at_work)
        check_fills(own.values(), self.ledger)
        if account is not None:
            if client_id not in self.traders:
                raise ViolationError("only clients have accounts", client_id, str(account))
            check_named(account, at_work)
            due = self.terms.proceeds[client_id]
            check_account(account, holds, self.ledger, due, self.traders[client_id].credit_limit)
        self.terms.balances(client_id, own.values(), account, positions)
        self.replacements.check(own.values(), self.orders)
        check_positions(client_id, positions, holds, self.ledger)
        self.moments[client_id].append(
            Moment(
                account or {},
                positions,
                own,
                self.halts.now(),
            )
        )

    def _positions_of(self, client_id: str) -> dict[str, Item]:
        return {
            symbol: position
            for (owner, symbol), position in self.positions.items()
            if owner == client_id
        }
