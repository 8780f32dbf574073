"""Checks of the whole books, the venues and people's answers when everything has come to rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

from tests.simulation.answers import check_intrusions, check_placed, check_shown
from tests.simulation.cancels import check_cancels, check_unasked
from tests.simulation.cloud import Cloud
from tests.simulation.counterparties import (
    check_breaks,
    check_events,
    check_executions,
    check_forwarding,
    check_mismatches,
    check_reports,
    check_sent,
    check_settlements,
    unsettleable,
)
from tests.simulation.instants import moment
from tests.simulation.items import Item, plain
from tests.simulation.lives import HOLDING, OPEN, check_endings
from tests.simulation.names import STAGE, TABLE_NAMES
from tests.simulation.oracle import StepOracle
from tests.simulation.outside import Outside
from tests.simulation.people import People
from tests.simulation.replacing import check_answers, check_conflicts
from tests.simulation.scenario import Scenario
from tests.simulation.sights import judge_sums
from tests.simulation.violations import ViolationError
from trading.adapters.dynamodb.entities import load_entry
from trading.adapters.dynamodb.tables import TableBooks
from trading.domain.accounts.cash import Account
from trading.domain.accounts.movements import Movement
from trading.domain.accounts.position import Position
from trading.domain.orders.order import Order
from trading.domain.posttrade.netting import Obligation
from trading.domain.reconciliation import checks
from trading.domain.reconciliation.snapshot import Snapshot
from trading.domain.reference.calendars import NEW_YORK
from trading.usecases.accounts.list_movements import LedgerFilter, ListMovements

LINES_A_PAGE = 7
"""Few, so that the lines of one entry are often split between two pages."""
CLEARED_WITHIN = 7200.0
"""Longer than any outage and the sweeps and pauses of messages that follow it."""
REFUSALS = frozenset({0, 409, 422, 429, 502, 503, 504})
"""The statuses that a refused request may get. 0 means no answer."""


@dataclass
class EndOracle:
    """Asked when nothing happens any more. All checks raise ViolationError."""

    cloud: Cloud
    outside: Outside
    people: People
    scenario: Scenario
    steps: StepOracle

    def check_at_rest(self) -> None:
        """Check after the second settlement.

        Only good-till-canceled orders are open, and nothing is on its way.
        """
        orders, entries = self.steps.orders, self.steps.ledger.entries
        self._queues()
        self._statements()
        self._reconciliation(final=False)
        for order in orders.values():
            if order["status"] in OPEN and order["time_in_force"] != "GTC":
                raise ViolationError(
                    "every order ends", order["order_id"], f"still {order['status']}"
                )
            if order["status"] == "RECEIVED":
                raise ViolationError(
                    "every order ends", order["order_id"], f"still waits for {order['replaces']}"
                )
        check_cancels(self.people.canceled, self.people.not_canceled, orders)
        check_unasked(self.people.asked, self.steps.asked_at, orders)
        for trade_id, kind in entries:
            reversed_first = (f"{trade_id}r", "REVERSAL") in entries
            if kind == "FILL" and not reversed_first and (trade_id, "NOVATION") not in entries:
                raise ViolationError("trades are cleared at the close", trade_id, "not novated")
        today = datetime.fromtimestamp(self.cloud.engine.now, NEW_YORK).date().isoformat()
        excused = unsettleable(self.outside.depository)
        for name, obligation in self.steps.obligations.items():
            if obligation["settlement_date"] <= today and obligation["trade_id"] not in excused:
                raise ViolationError(
                    "every due obligation is settled", name, f"still there on {today}"
                )

    def check_at_the_end(self) -> None:
        """All orders are final, and all money and shares are where they belong."""
        orders, entries = self.steps.orders, self.steps.ledger.entries
        self._queues()
        self._reconciliation(final=True)
        self._holds()
        check_executions(self.outside, entries)
        check_breaks(self.outside, entries)
        check_events(self.outside, entries)
        check_reports(self.outside)
        tolerated = REFUSALS | ({500} if self.cloud.outages.are_planned else set())
        check_placed(self.people.placed, orders, tolerated)
        check_answers(self.people.replaced, orders, tolerated | {404})
        check_conflicts([*self.people.not_canceled, *self.people.not_replaced], orders)
        check_sent(self.outside, orders)
        check_forwarding(self.outside, orders)
        check_settlements(self.outside.depository, entries)
        check_mismatches(self.outside.depository, entries)
        self._workflows()
        self._clearings()
        check_shown(self.people.shown, orders, entries)
        self._statements()
        check_endings(
            orders.values(),
            self.outside.submitted,
            self.outside.was_out,
            is_troubled=self.cloud.outages.are_planned,
            is_closed_by_hand=any(action.what == "close day" for action in self.scenario.actions),
        )
        check_intrusions(self.people.intruders.attempts)
        for reason in self.cloud.give_up_reasons:
            if reason.startswith("StaleError:"):
                raise ViolationError(
                    "a write conflict is retried", reason, "the message was given up at once"
                )
        report = self.steps.report
        if not report.get("complete") or report["in_motion"]:
            raise ViolationError(
                "reconciliation sees everything at rest", "the last report", str(report)
            )

    def _queues(self) -> None:
        for url in (*self.cloud.queues.values(), *self.cloud.dead_letters.values()):
            left = self.cloud.sqs.messages(url)
            if left:
                raise ViolationError("no message is stuck", url, f"{len(left)} messages: {left[0]}")

    def _workflows(self) -> None:
        for execution in self.cloud.workflows.executions():
            if execution.status in ("RUNNING", "TIMED_OUT"):
                raise ViolationError("every workflow ends", execution.name, execution.status)

    def _clearings(self) -> None:
        """An order that ended with fills is cleared soon, whether a run was to do it or not."""
        for order in self.steps.orders.values():
            if "cleared_at" not in order:
                continue
            over = next(
                moment(step["time"]) for step in order["history"] if step["status"] not in HOLDING
            )
            late = moment(order["cleared_at"]) - over
            if late > CLEARED_WITHIN:
                raise ViolationError(
                    "an executed order is cleared soon", order["order_id"], f"{late:.0f} s"
                )

    def _holds(self) -> None:
        for order in self.steps.orders.values():
            if "attention_at" in order:
                raise ViolationError(
                    "no order waits at the end",
                    order["order_id"],
                    f"{order['status']} {order['attention_at']}",
                )
        for account in self.steps.accounts.values():
            if account["held"] or account["credit_held"]:
                raise ViolationError("no hold is left", account["client_id"], str(account))

    def _statements(self) -> None:
        """Each client's statement adds up to the client's balances."""
        now = datetime.fromtimestamp(self.cloud.engine.now, UTC)
        statements = ListMovements(TableBooks(boto3.client("dynamodb"), TABLE_NAMES, lambda: now))
        for trader in self.scenario.traders:
            lines: list[Movement] = []
            page, after = statements.movements(trader.client_id, LedgerFilter(), None, LINES_A_PAGE)
            lines += page
            while after is not None:
                page, after = statements.movements(
                    trader.client_id, LedgerFilter(), after, LINES_A_PAGE
                )
                lines += page
            last = self.steps.moments[trader.client_id][-1]
            judge_sums(trader.client_id, lines, last.account, last.positions)

    def _reconciliation(self, final: bool) -> None:
        """Production's reconciliation finds only breaks and trades that the depository refused."""
        excused, entries = unsettleable(self.outside.depository), self.steps.ledger.entries
        orders = {
            e["order_id"] for (t, _), e in entries.items() if t in excused and "order_id" in e
        }
        for finding in checks.check(self._snapshot(final)):
            is_break = finding.message.startswith("break ")
            if is_break or (finding.invariant == 7 and finding.subject in orders):
                continue
            raise ViolationError(
                f"reconciliation {finding.invariant}", finding.subject, finding.message
            )

    def _snapshot(self, final: bool) -> Snapshot:
        accounts = [plain(item) for item in self.cloud.dynamodb.items(f"{STAGE}-accounts")]
        orders = [
            plain(i)
            for i in self.cloud.dynamodb.items(f"{STAGE}-orders")
            if i["item"]["S"] == "ORDER"
        ]
        return Snapshot(
            accounts=tuple(_load(Account, item) for item in accounts if item["item"] == "CASH"),
            positions=tuple(
                _load(Position, item) for item in accounts if item["item"].startswith("POSITION#")
            ),
            obligations=tuple(
                _load(Obligation, item)
                for item in accounts
                if item["item"].startswith("OBLIGATION#")
            ),
            orders=tuple(_load(Order, item) for item in orders),
            entries=tuple(
                load_entry(plain(item)) for item in self.cloud.dynamodb.items(f"{STAGE}-ledger")
            ),
            expect_final=final,
        )


def _load(model: Any, item: Item) -> Any:
    return model.model_validate(
        {name: value for name, value in item.items() if name in model.model_fields}
    )
