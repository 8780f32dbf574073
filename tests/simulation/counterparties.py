"""Checks of our books against the books of the exchanges and the depository."""

from __future__ import annotations

import json
from collections import defaultdict

from tests.simulation.depository import SimulatedDepository
from tests.simulation.instants import moment
from tests.simulation.items import Item
from tests.simulation.ledger import Entries
from tests.simulation.lives import Orders
from tests.simulation.outside import Outside
from tests.simulation.violations import ViolationError, equal
from trading.domain import identifiers


def check_executions(outside: Outside, entries: Entries) -> None:
    """Every execution is booked once, as it happened.

    A rogue execution may be booked only in the place of a genuine one.
    """
    booked = {
        (e["exchange_id"], e["execution_id"]): e
        for (_, kind), e in entries.items()
        if kind == "FILL"
    }
    for exchange_id, exchange in outside.exchanges.items():
        for venue_order in exchange.orders.values():
            for done in venue_order.executions:
                fill = booked.pop((exchange_id, done.execution_id), None)
                name = f"{exchange_id} {done.execution_id}"
                if fill is not None:
                    said = (
                        fill["quantity"],
                        fill["price"],
                        fill["side"],
                        fill["symbol"],
                        fill["client_id"],
                    )
                    order = venue_order.order
                    meant = (done.quantity, done.price, order.side, order.symbol, order.account)
                    equal("a fill is booked as it was executed", name, said, meant)
                    reversal = (f"{fill['trade_id']}r", "REVERSAL")
                    equal(
                        "what an exchange took back is reversed",
                        name,
                        (reversal in entries, entries.get(reversal, {}).get("corrected_by")),
                        (done.is_over, done.replaced_by(exchange_id)),
                    )
                elif not venue_order.rogue:
                    raise ViolationError(
                        "every execution is booked", name, f"{done} of {venue_order.order}"
                    )
                elif (
                    done.execution_id in venue_order.acknowledged
                    and (identifiers.trade_id(exchange_id, done.execution_id), "BREAK")
                    not in entries
                ):
                    raise ViolationError("every refused report is recorded", name, f"{done}")
    if booked:
        raise ViolationError(
            "every booked fill was executed",
            str(next(iter(booked))),
            f"{len(booked)} fills",
        )


def check_breaks(outside: Outside, entries: Entries) -> None:
    """Nothing is recorded as a break that is none."""
    bad = {"none-1"} | {
        name
        for exchange in outside.exchanges.values()
        for name, venue_order in exchange.orders.items()
        if venue_order.rogue or venue_order.misreported
    }
    events = {
        identifiers.trade_id(exchange_id, event)
        for exchange_id, exchange in outside.exchanges.items()
        for venue_order in exchange.orders.values()
        for event in venue_order.events
    }
    wrong = {
        identifiers.settled_trade_id(instruction)
        for instruction in outside.depository.wrong | outside.depository.strays
    }
    for (trade_id, kind), entry in entries.items():
        evidence = entry.get("evidence", {})
        if (
            kind == "BREAK"
            and evidence.get("client_order_id", "") not in bad
            and trade_id not in wrong
            and not (entry["code"] == "CORRECTION_NOT_COVERED" and _advanced(trade_id, entries))
            and not (entry["code"] == "NOT_UNDERSTOOD" and trade_id in events)
        ):
            raise ViolationError(
                "no false alarm", trade_id, f"{entry['code']} {entry['reason']} {evidence}"
            )


def _settles(trade_id: str, entries: Entries) -> bool:
    """Whether a trade settles: it is not reversed, or it was too late to take it back."""
    return bool(entries.get((f"{trade_id}r", "REVERSAL"), {"settles": True})["settles"])


def _advanced(trade_id: str, entries: Entries) -> bool:
    reversal = entries.get((trade_id, "REVERSAL"), {})
    return bool(reversal.get("advanced_cash") or reversal.get("advanced_shares"))


def check_events(outside: Outside, entries: Entries) -> None:
    """Every event that was acknowledged and that no reader knows is kept."""
    for exchange_id, exchange in outside.exchanges.items():
        for name, venue_order in exchange.orders.items():
            for event in venue_order.events & venue_order.acknowledged:
                kept = entries.get((identifiers.trade_id(exchange_id, event), "BREAK"), {})
                equal("what is not understood is kept", name, kept.get("code"), "NOT_UNDERSTOOD")


def check_reports(outside: Outside) -> None:
    """No report is refused, however it is written, and whatever else it says."""
    for exchange in outside.exchanges.values():
        for venue_order in exchange.orders.values():
            for report, answer in venue_order.refused.items():
                raise ViolationError("no report is refused", report, answer)


def check_sent(outside: Outside, orders: Orders) -> None:
    """An exchange gets an order on the accepted terms, and a stop order as a whole."""
    for exchange in outside.exchanges.values():
        for name, venue_order in exchange.orders.items():
            order, sent = orders[identifiers.parent_order_id(name)], venue_order.order
            terms = (order["protection_price"], order.get("stop_price"))
            equal("an order is sent on its terms", name, (sent.limit_price, sent.stop_price), terms)
            if sent.stop_price is not None and name.endswith("-1"):
                equal("a stop order is sent whole", name, sent.quantity, order["quantity"])


def check_forwarding(outside: Outside, orders: Orders) -> None:
    """A client's orders are first sent to an exchange in the order of their acceptance.

    Three kinds of orders may be overtaken: those that a silent exchange may have got already, those
    that a halt put off, and those whose message was given up. People look at the last kind.
    """
    forwarded = dict.fromkeys(identifiers.parent_order_id(child) for child in outside.tried)
    earlier: dict[str, list[Item]] = defaultdict(list)
    for order_id in forwarded:
        order = orders[order_id]
        for before in earlier[order["client_id"]]:
            if (
                _comes_first(order, before)
                and not order.get("put_off")
                and "review_reason" not in order
                and not _waited_for_exchange(outside, order, before)
            ):
                raise ViolationError(
                    "first accepted, first forwarded", order_id, f"sent after {before['order_id']}"
                )
        earlier[order["client_id"]].append(order)


def _comes_first(order: Item, other: Item) -> bool:
    """Whether an order must be sent before another of its client.

    Release decides, then acceptance. Clocks differ by a second.
    """
    released, others = order.get("release_at"), other.get("release_at")
    if released == others:
        return bool(order["sequence"] < other["sequence"])
    if released and others:
        return bool(released < others)
    return bool(released) and moment(other["accepted_at"]) > moment(str(released)) + 1


def _waited_for_exchange(outside: Outside, order: Item, later: Item) -> bool:
    """Whether the order was routed first, to an exchange that was out in this run.

    Behind an open circuit the exchange is not even asked.
    """
    routed, after = (
        next(step["time"] for step in each["history"] if step["status"] == "ROUTING")
        for each in (order, later)
    )
    out = any(child["exchange_id"] in outside.ever_out for child in order["children"])
    return out and moment(routed) <= moment(after) + 1


def check_settlements(depository: SimulatedDepository, entries: Entries) -> None:
    """The books show exactly those trades as settled that the depository has settled."""
    refused = depository.failed | depository.wrong
    settled = {
        identifiers.settlement_id(trade_id) for trade_id, kind in entries if kind == "SETTLEMENT"
    }
    instructed = set(depository.instructions) - refused
    if settled != instructed:
        raise ViolationError(
            "our settlements match the depository's", str(settled ^ instructed), ""
        )
    fills = {
        identifiers.settlement_id(trade_id)
        for (trade_id, kind), entry in entries.items()
        if (kind == "FILL" and _settles(trade_id, entries))
        or (kind == "REVERSAL" and entry["settles"])
    }
    if fills - refused - settled:
        raise ViolationError("every trade settles", str(fills - refused - settled), "")


def check_mismatches(depository: SimulatedDepository, entries: Entries) -> None:
    """Every confirmation that differs from its instruction is on record, with what was said."""
    for instruction in depository.wrong:
        trade_id = identifiers.settled_trade_id(instruction)
        entry = entries.get((trade_id, "BREAK"), {})
        said = json.loads(entry.get("evidence", {}).get("confirmed", "{}"))
        told = depository.answers[instruction]
        if entry.get("code") != "CONFIRMATION_MISMATCH" or said.get("amount") != told["amount"]:
            raise ViolationError("every mismatch is recorded", trade_id, f"{told}: {entry}")
    for instruction in depository.strays:
        trade_id = identifiers.settled_trade_id(instruction)
        code = entries.get((trade_id, "BREAK"), {}).get("code")
        equal("every stray confirmation is recorded", trade_id, code, "UNRECONCILED_CONFIRMATION")


def unsettleable(depository: SimulatedDepository) -> set[str]:
    """The trades that the depository has refused to settle or has confirmed wrongly."""
    return {
        identifiers.settled_trade_id(instruction)
        for instruction in depository.failed | depository.wrong
    }
