"""What must always be true, judged from the items as they are written, not by the code that writes them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

import boto3

from tests.simulation.cloud import STAGE, Cloud
from tests.simulation.items import plain
from tests.simulation.people import ORDER_FIELDS, People
from tests.simulation.replacing import (
    ROUTED_WITHIN,
    Replacements,
    check_answers,
    check_cancels,
    check_conflicts,
    moment,
    over_at,
)
from tests.simulation.scenario import Scenario
from tests.simulation.sights import Moment, judge, judge_sums
from tests.simulation.venues import Outside
from tests.simulation.violations import ZERO, ViolationError, equal
from trading.adapters.entities import load_entry
from trading.adapters.tables import TableBooks, TableNames
from trading.domain import identifiers, reconciliation
from trading.domain.accounts import Account, Position
from trading.domain.calendar import NEW_YORK, close_of
from trading.domain.clearing import Obligation
from trading.domain.movements import Movement
from trading.domain.orders import Order
from trading.domain.reconciliation import Snapshot
from trading.usecases.list_movements import LedgerFilter, ListMovements

if TYPE_CHECKING:
    from tests.simulation.terms import Terms

CENT = Decimal("0.01")
LINES_A_PAGE = 7
"""Few, so that the lines of an entry are often on two pages."""
OPEN = frozenset({"VALIDATED", "ROUTING", "PARTIALLY_FILLED"})
LEGAL = {
    "": {"RECEIVED"},
    "RECEIVED": {"VALIDATED", "REJECTED", "CANCELED"},
    "VALIDATED": {"ROUTING", "REJECTED", "CANCELED", "EXPIRED"},
    "ROUTING": {"PARTIALLY_FILLED", "FILLED", "REJECTED", "CANCELED", "EXPIRED"},
    "PARTIALLY_FILLED": {"PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED"},
    "FILLED": {"CLEARING"},
    "CLEARING": {"CLEARED"},
    "CLEARED": {"SETTLING"},
    "SETTLING": {"SETTLED"},
}
EVER = "1970-01-01T00:00:00Z"
GTC_SECONDS = 90 * 86_400 - 5
NOT_NEGATIVE = ("available", "held", "unsettled", "unsettled_used", "credit_held", "credit_used")


@dataclass
class StepOracle:
    """Checks the cheap invariants after every step, on what the step has changed."""

    credit_limits: dict[str, Decimal]
    terms: Terms
    replacements: Replacements = field(default_factory=Replacements)
    sums: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    positions: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    obligations: dict[str, dict[str, Any]] = field(default_factory=dict)
    attention: dict[str, str] = field(default_factory=dict)
    loans: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    filled: Counter[str] = field(default_factory=Counter)
    executions: set[tuple[str, str]] = field(default_factory=set)
    report: dict[str, Any] = field(default_factory=dict)
    moments: dict[str, list[Moment]] = field(default_factory=lambda: defaultdict(lambda: [Moment({}, {}, {})]))
    """What each client's books were, one after the other."""

    def __call__(self, changes: Iterable[Any]) -> None:
        """Take in what was written and check whom it concerns. Raises ViolationError."""
        clients: set[str] = set()
        withdrawn = []
        for table, _, before, after in changes:
            match table.removeprefix(f"{STAGE}-"):
                case "ledger":
                    clients.add(self._entry(before, after))
                    if after["kind"]["S"] == "WITHDRAWAL":
                        withdrawn.append(plain(after))
                case "accounts":
                    clients.add(self._balance(before, after))
                case "control":
                    self._report(after)
                case "orders":
                    client = self._order(before, after)
                    if client:
                        clients.add(client)
        for entry in withdrawn:
            self._withdrawal(entry)
        for client_id in clients:
            self._client(client_id)

    def _withdrawal(self, entry: dict[str, Any]) -> None:
        """Only what is settled and free leaves."""
        client_id = entry["client_id"]
        for posting in entry["postings"]:
            position = self.positions.get((client_id, posting["asset"]))
            if posting["asset"] == "USD" and self.accounts[client_id].get("unsettled_used"):
                raise ViolationError("only what is settled leaves", client_id, str(entry))
            if position and position["available"] < max(position["unsettled"], 0):
                raise ViolationError("only what is settled leaves", client_id, str(entry))

    def finishing(self, output: dict[str, Any]) -> None:
        """A workflow is only told of what is committed."""
        order = self.orders.get(output.get("order_id", ""))
        if order is None:
            return
        if order["status"] in OPEN:
            raise ViolationError("no workflow is told before the commit", order["order_id"], f"it is {order['status']}")
        if output.get("status") in ("CLEARED", "SETTLING", "SETTLED") and "cleared_at" not in order:
            raise ViolationError("no workflow is told before the commit", order["order_id"], "it is not cleared")

    def _entry(self, before: Any, after: Any) -> str:
        if before is not None or after is None:
            name = " ".join((before or after)[key]["S"] for key in ("trade_id", "kind"))
            raise ViolationError("ledger entries are immutable", name, f"{before} became {after}")
        entry = plain(after)
        key = (entry["trade_id"], entry["kind"])
        self.entries[key] = entry
        balance: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for posting in entry.get("postings", ()):
            self.sums[posting["account"], posting["asset"]] += posting["amount"]
            balance[posting["asset"]] += posting["amount"]
        if any(balance.values()):
            raise ViolationError("every entry balances", str(key), str(dict(balance)))
        client: str = entry["client_id"]
        order = self.orders.get(entry.get("order_id", ""))
        free = self.sums[f"client:{client}", "USD"] - self.accounts.get(client, {}).get("held", ZERO)
        self.terms.entry(entry, order, free)
        if entry["kind"] == "FILL":
            execution = (entry["exchange_id"], entry["execution_id"])
            if execution in self.executions:
                raise ViolationError("an execution is booked once", str(execution), entry["trade_id"])
            self.executions.add(execution)
            self.filled[entry["order_id"]] += int(entry["quantity"])
            self.loans[client] += entry["drawn"]
        elif entry["kind"] == "SETTLEMENT":
            self.loans[client] -= entry["loan_repaid"]
        return client

    def _balance(self, before: Any, after: Any) -> str:
        if after is None:
            gone = plain(before)
            self.obligations.pop(gone["item"], None)
            return str(gone["client_id"])
        item = plain(after)
        client, name = item["client_id"], item["item"]
        if name.startswith("OBLIGATION#"):
            self.obligations[name] = item
            return str(client)
        _check_version(f"{client} {name}", before, item)
        if name == "CASH":
            self.accounts[client] = item
        else:
            self.positions[client, item["symbol"]] = item
        for balance in NOT_NEGATIVE:
            if (name == "CASH" or balance in ("available", "held")) and item.get(balance, 0) < 0:
                raise ViolationError("no balance is negative", f"{client} {name}", f"{balance} {item[balance]}")
        return str(client)

    def _order(self, before: Any, after: Any) -> str | None:
        if (after or before)["item"]["S"] != "ORDER":
            return None
        if after is None:
            raise ViolationError("orders stay", before["order_id"]["S"], "deleted")
        order = plain(after)
        order["history"] = [
            dict(zip(("time", "status", "reason"), line.split(" ", 2), strict=False)) for line in order["history"]
        ]
        order_id = order["order_id"]
        if "attention_at" in order:
            self.attention[order_id] = order["attention_at"]
        else:
            self.attention.pop(order_id, None)
        self._left_alone(order)
        if before is not None and before["version"] == after["version"]:
            self._only_postponed(order_id, before, after)
        else:
            _check_version(order_id, before, order)
        path = [entry["status"] for entry in order["history"]]
        if path[-1] == "EXPIRED" and order["time_in_force"] == "GTC":
            age = moment(order["history"][-1]["time"]) - moment(order["accepted_at"])
            if age < GTC_SECONDS:
                raise ViolationError("no order expires before its time", order_id, f"after {age:.0f} s")
        for earlier, later in zip(["", *path], path, strict=False):
            if later not in LEGAL.get(earlier, ()):
                raise ViolationError("every history is a legal path", order_id, " ".join(path))
        if path[-1] != order["status"]:
            raise ViolationError("every history is a legal path", order_id, f"{path} but {order['status']}")
        if before is not None:
            old = before["history"]["L"]
            if after["history"]["L"][: len(old)] != old:
                raise ViolationError("history is only added to", order_id, f"{old} became {after['history']['L']}")
            terms = ["client_id", "symbol", "side", "limit_price", "stop_price", "accepted_at"]
            if not (takes_over := len(before["history"]["L"]) == 1):
                terms += ["quantity", "protection_price", "business_date"]
            changed = [name for name in terms if before.get(name) != after.get(name)]
            if changed:
                raise ViolationError("an order's terms stay", order_id, str(changed))
        if before is None:
            self.replacements.begins(order)
        if before is None or takes_over:
            own = [o for o in self.orders.values() if o["client_id"] == order["client_id"] and o["status"] in OPEN]
            self.terms.order(order, own)
            self._self_trade(order)
        if len(path) > 1 and (before is None or takes_over):
            self.terms.hours(order)
        if path[-1] == "ROUTING" and moment(order["history"][-1]["time"]) < moment(order.get("release_at", EVER)) - 1:
            raise ViolationError("no order is sent before its market opens", order_id, str(order["history"]))
        self.orders[order_id] = order
        return str(order["client_id"])

    def _self_trade(self, order: dict[str, Any]) -> None:
        """Who is told that he would trade with himself had that order."""
        if order.get("reason_code") != "SELF_TRADE":
            return
        named = self.orders.get(order["history"][-1]["reason"].split()[-1], {})
        said = (named.get("client_id"), named.get("symbol"), named.get("side") == order["side"])
        equal("a self trade is one", order["order_id"], said, (order["client_id"], order["symbol"], False))

    @staticmethod
    def _left_alone(order: dict[str, Any]) -> None:
        """Only what is over is looked after by nobody, and only what no exchange has any more is over."""
        uncleared = order.get("filled_quantity") and "cleared_at" not in order
        if (order["status"] in OPEN or uncleared) and "attention_at" not in order:
            raise ViolationError("nothing is forgotten", order["order_id"], f"{order['status']}, at rest")
        live = [child for child in order.get("children", ()) if child.get("status", "SENT") == "SENT"]
        if live and order["status"] in ("REJECTED", "CANCELED", "EXPIRED"):
            raise ViolationError("no order ends while an exchange has it", order["order_id"], str(live))

    @staticmethod
    def _only_postponed(order_id: str, before: Any, after: Any) -> None:
        if {**before, "attention_at": 0} != {**after, "attention_at": 0}:
            raise ViolationError("no write without a version", order_id, f"{before} became {after}")

    def _report(self, after: Any) -> None:
        """The reconciliation in production raises no alarm over books that are right."""
        if after is None or not after["name"]["S"].startswith("RECONCILIATION#"):
            return
        self.report = report = plain(after)
        due = {obligation["trade_id"] for obligation in self.obligations.values()}
        for finding in report.get("findings", ()):
            overdue = finding["invariant"] == 7 and finding["message"].partition(" ")[0] in due
            if finding["confirmed"] and not overdue:
                raise ViolationError("reconciliation cries no wolf", report["name"], str(finding))

    def _client(self, client_id: str) -> None:
        own = [o for o in self.orders.values() if o["client_id"] == client_id]
        for order in own:
            if (
                self.filled[order["order_id"]] != order["filled_quantity"]
                or order["filled_quantity"] > order["quantity"]
            ):
                said = (
                    f"{self.filled[order['order_id']]} booked, {order['filled_quantity']} of {order['quantity']} filled"
                )
                raise ViolationError("fills sum to the filled quantity", order["order_id"], said)
        open_orders = [o for o in own if o["status"] in OPEN]
        cash = credit = ZERO
        shares: Counter[str] = Counter()
        for order in open_orders:
            remaining = order["quantity"] - order["filled_quantity"]
            if order["side"] == "sell":
                shares[order["symbol"]] += remaining
                continue
            fee = (order["hold_fee_per_share"] * remaining).quantize(CENT, ROUND_CEILING)
            gross = order["protection_price"] * remaining + fee
            drawn = (gross * (100 - order["margin_percent"]) / 100).quantize(CENT, ROUND_DOWN)
            credit += drawn
            cash += gross - drawn
        account = self.accounts.get(client_id)
        if account is not None:
            total = account["available"] + account["held"] + account["unsettled"]
            posted = self.sums[f"client:{client_id}", "USD"]
            equal("cash is what the ledger says", client_id, total, posted)
            equal("held cash is what open orders hold", client_id, account["held"], cash)
            due = self.terms.proceeds[client_id]
            settled = posted - cash - due
            shares_of_cash = (account["available"], account["unsettled"])
            split = (max(settled, ZERO), due + min(settled, ZERO))
            equal("settled cash is used before unsettled proceeds", client_id, shares_of_cash, split)
            equal("held credit is what open orders hold", client_id, account["credit_held"], credit)
            equal("credit used is what the ledger lends", client_id, account["credit_used"], self.loans[client_id])
            limit = account["credit_available"] + account["credit_held"] + account["credit_used"]
            equal("credit parts make the limit", client_id, limit, self.credit_limits[client_id])
        self.terms.balances(client_id, own, account, self.positions)
        self.replacements.check(own, self.orders)
        for (owner, symbol), position in self.positions.items():
            if owner == client_id:
                subject = f"{client_id} {symbol}"
                quantity = position["available"] + position["held"]
                equal("shares are what the ledger says", subject, quantity, self.sums[f"client:{client_id}", symbol])
                equal("held shares are what open orders hold", subject, position["held"], shares[symbol])
        positions = {symbol: position for (owner, symbol), position in self.positions.items() if owner == client_id}
        self.moments[client_id].append(Moment(account or {}, positions, {order["order_id"]: order for order in own}))


def _check_version(name: str, before: Any, item: dict[str, Any]) -> None:
    old = int(before["version"]["N"]) if before else 0
    if item["version"] != old + 1:
        raise ViolationError("no update is lost", name, f"version {old} was replaced by {item['version']}")


@dataclass
class EndOracle:
    """Checks what must be true once everything has come to rest: against the whole books, the venues and what clients were told."""

    cloud: Cloud
    outside: Outside
    people: People
    scenario: Scenario
    steps: StepOracle

    def snapshot(self, expect_final: bool) -> Snapshot:
        """The books as they stand."""
        accounts = [plain(item) for item in self.cloud.dynamodb.items(f"{STAGE}-accounts")]
        orders = [plain(i) for i in self.cloud.dynamodb.items(f"{STAGE}-orders") if i["item"]["S"] == "ORDER"]
        return Snapshot(
            accounts=tuple(_load(Account, item) for item in accounts if item["item"] == "CASH"),
            positions=tuple(_load(Position, item) for item in accounts if item["item"].startswith("POSITION#")),
            obligations=tuple(_load(Obligation, item) for item in accounts if item["item"].startswith("OBLIGATION#")),
            orders=tuple(_load(Order, item) for item in orders),
            entries=tuple(load_entry(plain(item)) for item in self.cloud.dynamodb.items(f"{STAGE}-ledger")),
            expect_final=expect_final,
        )

    def check_at_rest(self) -> None:
        """After the second settlement: nothing but good-till-canceled orders is open, nothing is on its way."""
        self._queues()
        self._statements()
        self._reconciliation(final=False)
        for order in self.steps.orders.values():
            if order["status"] in OPEN and order["time_in_force"] != "GTC":
                raise ViolationError("every order ends", order["order_id"], f"still {order['status']}")
            if order["status"] == "RECEIVED":
                raise ViolationError("every order ends", order["order_id"], f"still waits for {order['replaces']}")
        check_cancels(self.people.canceled, self.steps.orders)
        self._clearing()
        today = datetime.fromtimestamp(self.cloud.engine.now, NEW_YORK).date().isoformat()
        unsettleable = self._unsettleable()
        for name, obligation in self.steps.obligations.items():
            if obligation["settlement_date"] <= today and obligation["trade_id"] not in unsettleable:
                raise ViolationError("what is due is settled", name, f"still there on {today}")

    def _clearing(self) -> None:
        """After the close every trade is cleared, also of an order that stands on."""
        for trade_id, kind in self.steps.entries:
            if kind == "FILL" and (trade_id, "NOVATION") not in self.steps.entries:
                raise ViolationError("trades are cleared at the close", trade_id, "not novated")

    def check_at_the_end(self) -> None:
        """All orders are final, all money and shares are where they belong. Raises ViolationError."""
        self._queues()
        self._reconciliation(final=True)
        self._executions()
        self._breaks()
        self._answers()
        self._sent()
        self._forwarding()
        self._settlements()
        self._workflows()
        self._shown()
        self._statements()
        self._endings()
        self._intrusions()
        for reason in self.cloud.buried:
            if reason.startswith("StaleError:"):
                raise ViolationError("a lost race is run again", reason, "the message was given up at once")
        report = self.steps.report
        if not report.get("complete") or report["in_motion"]:
            raise ViolationError("reconciliation sees everything at rest", "the last report", str(report))

    def _endings(self) -> None:
        """No order ends before its time without a cause; what is accepted or routed is sent."""
        by_hand = any(action.what == "close day" for action in self.scenario.actions)
        for order in self.steps.orders.values():
            order_id, path = order["order_id"], [entry["status"] for entry in order["history"]]
            rests = "limit_price" in order and order["time_in_force"] in ("DAY", "GTC")
            unasked = order.get("ending", {}).get("reason") == "EXECUTION_FAILED"
            if rests and unasked and not self.cloud.is_troubled:
                raise ViolationError("no order is canceled unasked", order_id, str(order["ending"]))
            if path[-1] != "EXPIRED" or by_hand:
                continue
            late = "replaces" in order and moment(order["history"][1]["time"]) > over_at(order) - ROUTED_WITHIN
            if late:
                continue
            if path[-2] == "VALIDATED":
                raise ViolationError("what is accepted is sent", order_id, " ".join(path))
            for child in order.get("children", ()):
                sent = identifiers.child_order_id(order_id, int(child["number"])) in self.outside.submitted
                if child["status"] != "REJECTED" and not sent:
                    raise ViolationError("what is routed is sent", order_id, str(child))
            close = close_of(date.fromisoformat(order["business_date"])).timestamp()
            if order["time_in_force"] == "DAY" and moment(order["history"][-1]["time"]) < close - 5:
                raise ViolationError("no order expires before its time", order_id, order["history"][-1]["time"])

    def _intrusions(self) -> None:
        for what, answer in self.people.intrusions:
            if 200 <= answer.status < 300:
                raise ViolationError("nobody acts for others", what, f"{answer.status} {answer.body!r}")

    def _shown(self) -> None:
        """A client never sees half of something."""
        for order_id, shown in self.people.shown:
            executed = sum(detail["executed_quantity"] for detail in shown["execution_details"])
            path = [step["status"] for step in shown["status_history"]]
            if executed != shown["filled_quantity"] or path[-1] != shown["current_status"]:
                raise ViolationError("no half of a fill is shown", order_id, f"{executed} executed: {shown}")
            final = [entry["status"] for entry in self.steps.orders[order_id]["history"]]
            if final[: len(path)] != path:
                raise ViolationError("what was shown stays true", order_id, f"{path} was shown, {final} came of it")

        for sight in self.people.seen:
            judge(sight, self.steps.entries)

    def _statements(self) -> None:
        """What each client moved in all comes to what he has."""
        names = TableNames(**{name: f"{STAGE}-{name}" for name in TableNames.__dataclass_fields__})
        books = TableBooks(boto3.client("dynamodb"), names, lambda: datetime.fromtimestamp(self.cloud.engine.now, UTC))
        for trader in self.scenario.traders:
            lines: list[Movement] = []
            page, after = ListMovements(books).movements(trader.client_id, LedgerFilter(), None, LINES_A_PAGE)
            lines += page
            while after is not None:
                page, after = ListMovements(books).movements(trader.client_id, LedgerFilter(), after, LINES_A_PAGE)
                lines += page
            last = self.steps.moments[trader.client_id][-1]
            judge_sums(trader.client_id, lines, last.account, last.positions)

    def _queues(self) -> None:
        for url in (*self.cloud.queues.values(), *self.cloud.dead_letters.values()):
            left = self.cloud.sqs.messages(url)
            if left:
                raise ViolationError("no message is stuck", url, f"{len(left)} messages: {left[0]}")

    def _unsettleable(self) -> set[str]:
        refused = self.outside.depository.failed | self.outside.depository.wrong
        return {identifiers.settled_trade_id(instruction) for instruction in refused}

    def _reconciliation(self, final: bool) -> None:
        excused = self._unsettleable()
        orders = {e["order_id"] for (t, _), e in self.steps.entries.items() if t in excused and "order_id" in e}
        for finding in reconciliation.check(self.snapshot(final)):
            is_break = finding.message.startswith("break ")
            if is_break or (finding.invariant == 7 and finding.subject in orders):
                continue
            raise ViolationError(f"reconciliation {finding.invariant}", finding.subject, finding.message)
        if final:
            for order in self.steps.orders.values():
                if "attention_at" in order:
                    raise ViolationError(
                        "no order waits", order["order_id"], f"{order['status']} {order['attention_at']}"
                    )
            for account in self.steps.accounts.values():
                if account["held"] or account["credit_held"]:
                    raise ViolationError("no hold is left", account["client_id"], str(account))

    def _executions(self) -> None:
        """Every execution is booked once, as it was; a rogue one may only take the place of a genuine one."""
        booked = {(e["exchange_id"], e["execution_id"]): e for (_, k), e in self.steps.entries.items() if k == "FILL"}
        broken = {trade_id for trade_id, kind in self.steps.entries if kind == "BREAK"}
        for exchange_id, exchange in self.outside.exchanges.items():
            for venue_order in exchange.orders.values():
                for done in venue_order.executions:
                    fill = booked.pop((exchange_id, done.execution_id), None)
                    name = f"{exchange_id} {done.execution_id}"
                    if fill is not None:
                        said = (fill["quantity"], fill["price"], fill["side"], fill["symbol"], fill["client_id"])
                        order = venue_order.order
                        meant = (done.quantity, done.price, order.side, order.symbol, order.account)
                        equal("a fill is booked as it was executed", name, said, meant)
                    elif not venue_order.rogue:
                        raise ViolationError("every execution is booked", name, f"{done} of {venue_order.order}")
                    elif (
                        done.execution_id in venue_order.acknowledged
                        and identifiers.trade_id(exchange_id, done.execution_id) not in broken
                    ):
                        raise ViolationError("what is refused is on record", name, f"{done}")
        if booked:
            raise ViolationError(
                "nothing is booked that was not executed", str(next(iter(booked))), f"{len(booked)} fills"
            )

    def _breaks(self) -> None:
        """Nothing is called a break that is none."""
        bad = {
            o.order.client_order_id
            for exchange in self.outside.exchanges.values()
            for o in exchange.orders.values()
            if o.rogue or o.misreported
        }
        wrong = {identifiers.settled_trade_id(i) for i in self.outside.depository.wrong}
        for (trade_id, kind), entry in self.steps.entries.items():
            evidence = entry.get("evidence", {})
            child = evidence.get("client_order_id", "")
            of_bad_order = child in bad or child == "none-1"
            if kind == "BREAK" and not of_bad_order and trade_id not in wrong:
                raise ViolationError("no false alarm", trade_id, f"{entry['code']} {entry['reason']} {evidence}")

    def _answers(self) -> None:
        """What a client was told is so: one order a key, with the content that was accepted."""
        allowed = {0, 409, 422, 429, 502, 503, 504} | ({500} if self.cloud.is_troubled else set())
        for placed in self.people.placed:
            order_id = identifiers.order_id(placed.client_id, placed.key)
            order = self.steps.orders.get(order_id)
            status = placed.answer.status
            if status == 201:
                if order is None or placed.answer.json()["order_id"] != order_id:
                    raise ViolationError("what is accepted is kept", order_id, f"{placed.answer.body!r}, but {order}")
                asked = {name: placed.body[name] for name in ORDER_FIELDS if name in placed.body}
                kept = {
                    "stock_symbol": order["symbol"],
                    "quantity": order["quantity"],
                    "order_type": order["order_type"],
                    "side": order["side"],
                    "time_in_force": order["time_in_force"],
                }
                for name, kept_as in (("price", "limit_price"), ("stop_price", "stop_price")):
                    kept[name] = order.get(kept_as)
                    asked[name] = Decimal(asked[name]) if name in asked else None
                equal("what is kept is what was sent", order_id, kept, asked)
            elif status not in allowed:
                raise ViolationError("no answer is out of place", order_id, f"{status} {placed.answer.body!r}")
        check_answers(self.people.replaced, self.steps.orders, frozenset(allowed | {404}))
        check_conflicts(self.people.too_late, self.steps.orders)

    def _sent(self) -> None:
        """An exchange gets an order on the terms that were accepted, and a stop order whole."""
        for exchange in self.outside.exchanges.values():
            for name, venue_order in exchange.orders.items():
                order, sent = self.steps.orders[identifiers.parent_order_id(name)], venue_order.order
                terms = (order["protection_price"], order.get("stop_price"))
                equal("an order is sent on its terms", name, (sent.limit_price, sent.stop_price), terms)
                if sent.stop_price is not None and name.endswith("-1"):
                    equal("a stop order is sent whole", name, sent.quantity, order["quantity"])

    def _forwarding(self) -> None:
        """A client's orders are first sent to an exchange in the order in which they were accepted.

        One that an exchange which does not answer may have got already does not hold up those after it.
        """
        sent: dict[str, list[dict[str, Any]]] = defaultdict(list)
        seen: set[str] = set()
        for client_order_id in self.outside.tried:
            order_id = identifiers.parent_order_id(client_order_id)
            if order_id in seen:
                continue
            seen.add(order_id)
            order = self.steps.orders[order_id]
            for before in sent[order["client_id"]]:
                if comes_first(order, before) and not self._waited_for_exchange(order, before):
                    raise ViolationError(
                        "first accepted, first forwarded", order_id, f"sent after {before['order_id']}"
                    )
            sent[order["client_id"]].append(order)

    def _waited_for_exchange(self, order: dict[str, Any], later: dict[str, Any]) -> bool:
        """Whether it was routed first, to an exchange that was out in this run: behind an open circuit it is not even asked."""
        routed, after = (
            next(entry["time"] for entry in each["history"] if entry["status"] == "ROUTING") for each in (order, later)
        )
        out = any(child["exchange_id"] in self.outside.ever_out for child in order["children"])
        return out and moment(routed) <= moment(after) + 1

    def _settlements(self) -> None:
        """What the depository has settled is booked as settled, and nothing else is."""
        depository = self.outside.depository
        refused = depository.failed | depository.wrong
        settled = {identifiers.settlement_id(t) for t, kind in self.steps.entries if kind == "SETTLEMENT"}
        instructed = set(depository.instructions) - refused
        if settled != instructed:
            raise ViolationError("settled is what the depository settled", str(settled ^ instructed), "")
        fills = {identifiers.settlement_id(t) for t, kind in self.steps.entries if kind == "FILL"}
        if fills - refused - settled:
            raise ViolationError("every trade settles", str(fills - refused - settled), "")

    def _workflows(self) -> None:
        for execution in self.cloud.workflows.executions():
            if execution.status == "RUNNING":
                raise ViolationError("every workflow ends", execution.name, "still running")


def _load(model: Any, item: dict[str, Any]) -> Any:
    return model.model_validate({name: value for name, value in item.items() if name in model.model_fields})


def comes_first(order: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether an order must be sent before another of its client: by release, then by acceptance. Clocks differ by a second."""
    released, others = order.get("release_at"), other.get("release_at")
    if released == others:
        return bool(order["sequence"] < other["sequence"])
    if released and others:
        return bool(released < others)
    return bool(released) and moment(other["accepted_at"]) > moment(str(released)) + 1
