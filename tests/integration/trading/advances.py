"""Advances of the error account, as busts of executions leave them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulators.reference import EXCHANGE_IDS
from tests.integration.system import System
from tests.integration.trading.admin import ask
from tests.integration.trading.books import NAMES, items
from tests.integration.trading.orders import cleared_order
from trading.adapters.dynamodb.entities import load_entry
from trading.domain import identifiers
from trading.domain.ledger import ERROR, WRITE_OFFS, ClosedAdvance, Entry, Fill, Reversal
from trading.domain.reconciliation.findings import Finding
from trading.domain.values import Side
from trading.messages import ReportReceived
from trading.wire import ExecType, ExecutionReport

QUANTITY = 4


@dataclass(frozen=True)
class Advance:
    """The reversal of a trade, and the cash and shares that were advanced with it."""

    trade_id: str
    cash: Decimal
    shares: int


def ledger(system: System) -> list[Entry]:
    return [load_entry(item) for item in items(system.dynamodb, NAMES.ledger)]


def closed(system: System) -> list[ClosedAdvance]:
    return [entry for entry in ledger(system) if isinstance(entry, ClosedAdvance)]


def balance(system: System, account: str) -> dict[str, Decimal]:
    """The balance of an account of the ledger, by asset. Assets that come to zero are left out."""
    sums: dict[str, Decimal] = {}
    for posting in (posting for entry in ledger(system) for posting in entry.postings):
        if posting.account == account:
            sums[posting.asset] = sums.get(posting.asset, Decimal(0)) + posting.amount
    return {asset: amount for asset, amount in sums.items() if amount}


def in_error(system: System) -> dict[str, Decimal]:
    return balance(system, ERROR)


def written_off(system: System) -> dict[str, Decimal]:
    return balance(system, WRITE_OFFS)


def bust(system: System, fill: Fill) -> None:
    """The exchange busts an execution, and the worker books the report."""
    order = system.books.order(fill.order_id)
    assert order
    child = next(c for c in order.children if c.exchange_id == fill.exchange_id)
    report = ExecutionReport(
        exchange_id=fill.exchange_id,
        execution_id=f"{fill.execution_id}-bust",
        client_order_id=identifiers.child_order_id(fill.order_id, child.number),
        exchange_order_id="x-1",
        account=fill.client_id,
        symbol=fill.symbol,
        side=fill.side,
        exec_type=ExecType.TRADE_CANCEL,
        reference_execution_id=fill.execution_id,
        last_quantity=0,
        busted_quantity=fill.quantity,
        cumulative_quantity=child.filled - fill.quantity,
        leaves_quantity=0,
        transact_time=system.now(),
        correlation_id="corr-1",
    )
    message = ReportReceived(
        client_id=fill.client_id, report=report, correlation_id="corr-1"
    ).model_dump_json()
    system.send("execution", fill.client_id, message)
    assert system.deliver("execution") == []


def traded(system: System, key: str, **changes: Any) -> list[Fill]:
    """The novated trades of an order. The exchange fills it in up to three parts."""
    for exchange_id in EXCHANGE_IDS:
        system.venues.configure(exchange_id)
    order_id = cleared_order(system, key, quantity=QUANTITY, **changes)
    return [e for e in ledger(system) if isinstance(e, Fill) and e.order_id == order_id]


def busted(system: System, trades: list[Fill]) -> Advance:
    """Bust all trades of an order. Answers the largest advance."""
    for fill in trades:
        bust(system, fill)
    reversals = [entry for entry in ledger(system) if isinstance(entry, Reversal)]
    largest = max(reversals, key=lambda each: (each.advanced_shares, each.advanced_cash))
    return Advance(largest.trade_id, largest.advanced_cash, largest.advanced_shares)


def advanced_shares(system: System, client_id: str = "carol") -> Advance:
    """A client buys shares and sells them, and then the exchange busts the purchase. At least two
    shares are advanced at once.
    """
    bought = traded(system, "bought", client_id=client_id)
    traded(system, "sold", client_id=client_id, side=Side.SELL, price="200.00")
    return busted(system, bought)


def advanced_cash(system: System, client_id: str = "carol") -> Advance:
    """A client sells shares and spends the proceeds, and then the exchange busts the sale."""
    shares = {"symbol": "AAPL", "quantity": QUANTITY, "cost": "600.00", "reference": "shares"}
    assert ask(system, "POST", f"clients/{client_id}/deposits", shares, "shares")[0] == 201
    sold = traded(system, "sold", client_id=client_id, side=Side.SELL, price="200.00")
    cash = {"reference": "cash", "amount": str(system.books.account(client_id).available)}
    assert ask(system, "POST", f"clients/{client_id}/withdrawals", cash, "cash")[0] == 201
    traded(system, "spent", client_id=client_id, stock_symbol="KO", price="70.00")
    return busted(system, sold)


def closure(
    system: System, advance: Advance, key: str = "close-1", **body: Any
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Ask for the close of an advance. Without amounts, everything is written off."""
    sent = {"repaid_cash": "0.00", "repaid_shares": 0, "reference": "case-1"} | body
    return ask(system, "POST", f"advances/{advance.trade_id}/closure", sent, key)


def findings(system: System) -> list[Finding]:
    """The violations of the invariants. The break that each advance leaves is expected."""
    return [f for f in system.findings() if not f.message.startswith("break ")]
