"""What amounts, dates and numbers must be, computed independently from the rules.

They are checked entry by entry and order by order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from tests.simulation.closures import check_closure
from tests.simulation.corrections import check_reversal, move_cost
from tests.simulation.market import (
    CENT,
    CONTINUOUS,
    FEES,
    SYMBOLS,
    is_bank_holiday,
    next_settlement_day,
    opening_time,
)
from tests.simulation.postings import check_postings
from tests.simulation.violations import ZERO, ViolationError, equal
from trading.domain.reference.calendars import (
    NEW_YORK,
    close_of,
    is_trading_day,
    next_trading_day,
)

OPPOSITE = {"buy": "sell", "sell": "buy"}
EARLY_ENDS = frozenset({"REJECTED", "CANCELED", "EXPIRED"})


def meet(order: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two orders could trade with each other at one exchange, if no stop held them back."""
    if (other["symbol"], other["side"]) != (order["symbol"], OPPOSITE[order["side"]]):
        return False
    buy, sell = (order, other) if order["side"] == "buy" else (other, order)
    return bool(buy["protection_price"] >= sell["protection_price"])


def check_apart(order: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> None:
    """Orders of one client that could trade with each other are at no exchange together."""
    at = _exchanges_of(order)
    for other in others if at else ():
        shared = at & _exchanges_of(other)
        if shared and other["order_id"] != order["order_id"] and meet(order, other):
            raise ViolationError(
                "no client meets itself at an exchange",
                order["order_id"],
                f"{other['order_id']} is at {sorted(shared)} too",
            )


def _exchanges_of(order: Mapping[str, Any]) -> set[str]:
    """The exchanges that may execute a part of an order."""
    children = order.get("children", ())
    return {child["exchange_id"] for child in children if child.get("status", "SENT") == "SENT"}


@dataclass
class Terms:
    """Learns of every ledger entry and every accepted order as it is committed."""

    daily_limits: dict[str, Decimal]
    fills: dict[str, dict[str, Any]] = field(default_factory=dict)
    loans: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    proceeds: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    """The proceeds of sales that have not settled, by client."""
    to_receive: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """The shares of purchases that have not settled, by client and symbol."""
    shares: Counter[tuple[str, str]] = field(default_factory=Counter)
    costs: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    profits: dict[tuple[str, str], Decimal] = field(
        default_factory=lambda: defaultdict(lambda: ZERO)
    )
    novated: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    repaid: dict[str, Decimal] = field(default_factory=dict)
    """The loan that the settlement of a trade repaid."""
    took: dict[str, Decimal] = field(default_factory=dict)
    """What a sale took out of the cost basis."""
    reversals: dict[str, Any] = field(default_factory=dict)
    reversed_clients: set[str] = field(default_factory=set)
    accepted: Counter[str] = field(default_factory=Counter)
    sums: dict[str, tuple[Decimal, Decimal]] = field(
        default_factory=lambda: defaultdict(lambda: (ZERO, ZERO))
    )
    """The notional and the fees of each order's fills."""

    def order(self, order: dict[str, Any], others: Iterable[Mapping[str, Any]]) -> None:
        """Check a new order or a replacement that takes over.

        `others` are the open orders of its client. Accepted orders are numbered in the order of
        their commits.
        """
        if order["status"] in ("RECEIVED", "REJECTED", "CANCELED"):
            return
        self._collar(order)
        rate = max(FEES.values())
        equal(
            "a hold is for the dearest exchange",
            order["order_id"],
            order["hold_fee_per_share"],
            rate,
        )
        for other in others:
            if "stop_price" not in order and "stop_price" not in other and meet(order, other):
                raise ViolationError(
                    "no client trades with itself",
                    order["order_id"],
                    f"with {other['order_id']}",
                )
        self.accepted[order["client_id"]] += 1
        number = self.accepted[order["client_id"]]
        equal("accepted orders are numbered", order["order_id"], order["sequence"], number)

    @staticmethod
    def hours(order: dict[str, Any]) -> None:
        """An order accepted while its market is closed waits for the next open.

        An order that may not rest is refused then, and only then.
        """
        decided = datetime.fromisoformat(order["history"][1]["time"]).astimezone(NEW_YORK)
        day, opens = decided.date(), None
        if order["symbol"] in SYMBOLS and order["symbol"] != CONTINUOUS:
            if not is_trading_day(day) or decided >= close_of(day):
                day = next_trading_day(day)
            opening = opening_time(day)
            opens = opening if decided < opening else None
        rests = order["time_in_force"] in ("DAY", "GTC") and order["order_type"] != "market"
        if order.get("reason_code") == "MARKET_CLOSED" and (rests or opens is None):
            raise ViolationError(
                "only a closed market refuses an order", order["order_id"], str(decided)
            )
        if order["history"][1]["status"] != "VALIDATED":
            return
        said = order.get("release_at") and datetime.fromisoformat(order["release_at"])
        equal("an order waits for the next open", order["order_id"], said, opens)
        if opens is not None and not rests:
            raise ViolationError(
                "an order that may not rest does not wait", order["order_id"], str(decided)
            )

    @staticmethod
    def _collar(order: dict[str, Any]) -> None:
        """No price lies beyond its collar.

        In the simulation prices stay within 5 % of their starting point, and stops move them most.
        A limit may lie 20 % from the last price. A market order executes within 4 % of it. A stop
        order executes within 4 % of its stop price, which the last price has not reached.
        """
        price, limited, stop = (
            SYMBOLS[order["symbol"]],
            "limit_price" in order,
            order.get("stop_price"),
        )
        if stop is not None:
            reached = (
                stop <= price * 95 / 100 if order["side"] == "buy" else stop >= price * 105 / 100
            )
            worst = stop * (104 if order["side"] == "buy" else 96) / 100
            if reached or (
                not limited and not worst - CENT < order["protection_price"] < worst + CENT
            ):
                raise ViolationError(
                    "a stop lies beyond the last price", order["order_id"], str(order)
                )
            return
        percent = Decimal(20 if limited else 4)
        low, high = price * 95 * (100 - percent) / 10_000, price * 105 * (100 + percent) / 10_000
        if not low <= order["protection_price"] <= high:
            raise ViolationError(
                "no price is beyond its collar", order["order_id"], f"{order['protection_price']}"
            )

    def entry(self, entry: dict[str, Any], order: dict[str, Any] | None, free: Decimal) -> None:
        """Check a new ledger entry, with the order that it belongs to.

        `free` is the client's cash after the entry, settled or not, without the holds.
        """
        of = self.fills.get(entry.get("reverses", entry["trade_id"]))
        check_postings(entry, of, of is not None and of["trade_id"] in self.novated)
        match entry["kind"]:
            case "FILL" if order is not None:
                self._fill(entry, order)
            case "REVERSAL":
                check_reversal(self, entry, next_settlement_day, next_trading_day)
            case "NOVATION" if order is not None:
                self.novated.add(entry["trade_id"])
                self._novation(entry, order)
            case "SETTLEMENT":
                self._settlement(entry, free)
            case "DEPOSIT":
                for posting in entry["postings"]:
                    if posting["account"].startswith("client:") and posting["asset"] in SYMBOLS:
                        key = (entry["client_id"], posting["asset"])
                        self.shares[key] += int(posting["amount"])
                        self.costs[key] += SYMBOLS[posting["asset"]] * posting["amount"]
            case "WITHDRAWAL":
                self._withdrawal(entry)
            case "CLOSED_ADVANCE":
                check_closure(self, entry)

    def _withdrawal(self, entry: dict[str, Any]) -> None:
        """Shares that are withdrawn take their part of the cost with them."""
        for posting in entry["postings"]:
            if posting["account"].startswith("client:") and posting["asset"] in SYMBOLS:
                key, quantity = (entry["client_id"], posting["asset"]), -int(posting["amount"])
                cost = (self.costs[key] * quantity / self.shares[key]).quantize(CENT, ROUND_HALF_UP)
                equal(
                    "withdrawn shares take their cost along",
                    entry["trade_id"],
                    entry["cost"],
                    cost,
                )
                self.costs[key] -= cost
                self.shares[key] -= quantity

    def _fill(self, fill: dict[str, Any], order: dict[str, Any]) -> None:
        name, quantity, price = fill["trade_id"], fill["quantity"], fill["price"]
        buys = fill["side"] == "buy"
        self.fills[name] = fill
        if (price - order["protection_price"]) * (1 if buys else -1) > 0:
            raise ViolationError(
                "no fill is worse than its limit", name, f"{price}: {order['protection_price']}"
            )
        notional = (price * quantity).quantize(CENT, ROUND_HALF_UP)
        equal("a notional is quantity times price", name, fill["notional"], notional)
        fees = min((FEES[fill["exchange_id"]] * quantity).quantize(CENT, ROUND_DOWN), notional)
        equal("an exchange's fee is charged", name, fill["fees"], fees)
        before = self.sums[fill["order_id"]]
        self.sums[fill["order_id"]] = (before[0] + notional, before[1] + fees)
        equal("a trade has its trade date", name, fill["trade_date"], _trade_date(fill, order))
        settles = next_settlement_day(date.fromisoformat(fill["trade_date"])).isoformat()
        reversal = self.reversals.get(f"{fill.get('corrects')}r")
        if "corrects" in fill:
            assert reversal is not None, f"{name} corrects a trade that is not reversed"
            settles = reversal["settlement_date"]
        equal("a trade settles on the next settlement day", name, fill["settlement_date"], settles)
        key = (fill["client_id"], fill["symbol"])
        if buys:
            self.loans[fill["client_id"]] += fill["drawn"]
            self.to_receive[fill["client_id"]][fill["symbol"]] += int(quantity)
        else:
            self.proceeds[fill["client_id"]] += notional - fees
        if "corrects" in fill:
            move_cost(self, self.fills[fill["corrects"]], fill)
        elif buys:
            self.costs[key] += notional + fees
            self.shares[key] += int(quantity)
        else:
            cost = (self.costs[key] * quantity / self.shares[key]).quantize(CENT, ROUND_HALF_UP)
            self.took[name] = cost
            self.costs[key] -= cost
            self.profits[key] += notional - fees - cost
            self.shares[key] -= int(quantity)

    def _novation(self, novation: dict[str, Any], order: dict[str, Any]) -> None:
        fill = self.fills[novation["trade_id"]]
        equal(
            "a novation has its trade's amount",
            fill["trade_id"],
            novation["settlement_amount"],
            fill["notional"],
        )
        margin = (fill["notional"] * order["margin_percent"] / 100).quantize(CENT, ROUND_CEILING)
        equal(
            "margin is the client's part of the notional",
            fill["trade_id"],
            novation["margin_required"],
            margin,
        )
        others = (f for f in self.fills.values() if f["settlement_date"] == fill["settlement_date"])
        if (
            sum(
                (f["client_id"], f["symbol"]) == (fill["client_id"], fill["symbol"]) for f in others
            )
            == 1
        ):
            sign = 1 if fill["side"] == "buy" else -1
            net, alone = (
                novation["net_position"],
                (sign * fill["quantity"], -sign * fill["notional"]),
            )
            equal(
                "a novation states the net position",
                fill["trade_id"],
                (net["net_quantity"], net["net_amount"]),
                alone,
            )

    def _settlement(self, settlement: dict[str, Any], free: Decimal) -> None:
        fill = self.fills[settlement["trade_id"]]
        self.settled.add(settlement["trade_id"])
        self.repaid[settlement["trade_id"]] = settlement["loan_repaid"]
        day = datetime.fromisoformat(settlement["booked_at"]).astimezone(NEW_YORK).date()
        if day < date.fromisoformat(fill["settlement_date"]):
            raise ViolationError(
                "nothing settles before it is due", fill["trade_id"], f"on {day}: {fill}"
            )
        if is_bank_holiday(day):
            raise ViolationError("nothing settles on a bank holiday", fill["trade_id"], f"{day}")
        buys, client_id = fill["side"] == "buy", fill["client_id"]
        if buys:
            self.to_receive[client_id][fill["symbol"]] -= int(fill["quantity"])
        proceeds = ZERO if buys else fill["notional"] - fill["fees"]
        self.proceeds[client_id] -= proceeds
        settled = free + settlement["loan_repaid"] - self.proceeds[client_id]
        owed = min(self.loans[client_id], proceeds, max(settled, ZERO))
        equal(
            "the proceeds of a sale first repay the loan",
            fill["trade_id"],
            settlement["loan_repaid"],
            owed,
        )
        self.loans[client_id] -= owed

    def balances(
        self,
        client_id: str,
        orders: Iterable[dict[str, Any]],
        account: Mapping[str, Any] | None,
        positions: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Check what a client's account, positions (by symbol) and orders state."""
        counted = ZERO
        day = account.get("notional_date") if account else None
        for order in orders:
            said = (order.get("filled_notional", ZERO), order.get("fees", ZERO))
            equal("an order sums its fills", order["order_id"], said, self.sums[order["order_id"]])
            if order["business_date"] == day and order["status"] == "RECEIVED":
                counted += order["reserve"]["notional"]
            elif order["business_date"] == day:
                quantity = (
                    order["filled_quantity"]
                    if order["status"] in EARLY_ENDS
                    else order["quantity"] - order.get("busted_quantity", 0)
                )
                counted += order["protection_price"] * quantity
        if account is not None and day is not None:
            equal(
                "the day's notional matches its orders",
                client_id,
                account["notional_today"],
                counted,
            )
            # A correction may bring back what a bust had freed, and the client has used it since.
            if counted > self.daily_limits[client_id] and client_id not in self.reversed_clients:
                raise ViolationError(
                    "no client trades beyond its daily limit", client_id, f"{counted}"
                )
        for symbol, position in positions.items():
            key, said = (client_id, symbol), (position["cost_basis"], position["realised_profit"])
            known = (self.costs[key], self.profits[key])
            equal("cost and profit follow from the trades", f"{client_id} {symbol}", said, known)


def _trade_date(fill: dict[str, Any], order: dict[str, Any]) -> str:
    """The session in which an order was executed.

    A GTC order has many. The others have one, in which they may execute for a while after the
    close.
    """
    if order["time_in_force"] != "GTC":
        return str(order["business_date"])
    executed = datetime.fromisoformat(fill["executed_at"]).astimezone(NEW_YORK)
    day = executed.date()
    if is_trading_day(day) and executed < close_of(day) + timedelta(
        minutes=0 if fill["symbol"] == CONTINUOUS else 15
    ):
        return day.isoformat()
    return next_trading_day(day).isoformat()
