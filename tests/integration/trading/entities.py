"""One of each entity that the books store, with every field set."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from trading.domain import ledger
from trading.domain.accounts.cash import Account
from trading.domain.accounts.position import Position
from trading.domain.clients.proposals import Proposal, ProposedChange
from trading.domain.ledger import Break, Deposit, Fill, NetPosition, Novation, Settlement
from trading.domain.orders.child_order import ChildOrder, ChildStatus
from trading.domain.orders.order import Order
from trading.domain.orders.order_status import HistoryEntry, OrderStatus
from trading.domain.posttrade.netting import Obligation, obligation_of
from trading.domain.values import OrderType, Side, TimeInForce

NOW = datetime(2026, 1, 5, 15, 0, 0, 123456, tzinfo=UTC)
TRADE_DATE = date(2026, 1, 5)
SETTLEMENT_DATE = date(2026, 1, 6)
EXACT = Decimal("12345678901234.05")


def account(**changes: Any) -> Account:
    """A margin account in the middle of a day."""
    values: dict[str, Any] = {
        "client_id": "alice",
        "available": EXACT,
        "held": Decimal("0.01"),
        "unsettled": Decimal("22850.10"),
        "credit_available": Decimal("100.00"),
        "credit_held": Decimal("7.50"),
        "credit_used": Decimal("3.33"),
        "notional_date": TRADE_DATE,
        "notional_today": Decimal("22850.00"),
        "sequence": 7,
        "last_order_id": "ord_0",
        "open_orders": ("ord_1 buy AAPL 228.50", "ord_0 sell BRK.B 0.50"),
    }
    return Account(**(values | changes))


def position(**changes: Any) -> Position:
    """A position with a value in every field."""
    values: dict[str, Any] = {
        "client_id": "alice",
        "symbol": "AAPL",
        "available": 90,
        "held": 10,
        "unsettled": -10,
        "cost_basis": Decimal("19840.55"),
        "realised_profit": Decimal("-12.05"),
    }
    return Position(**(values | changes))


def order(order_id: str = "ord_1", **changes: Any) -> Order:
    """A partly filled buy of 100 AAPL at two exchanges."""
    values: dict[str, Any] = {
        "client_id": "alice",
        "symbol": "AAPL",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.DAY,
        "quantity": 100,
        "limit_price": Decimal("228.50"),
        "idempotency_key": "key-1",
        "fingerprint": "f" * 16,
        "correlation_id": "corr-1",
        "protection_price": Decimal("228.50"),
        "hold_fee_per_share": Decimal("0.0030"),
        "margin_percent": Decimal("33.3"),
        "business_date": TRADE_DATE,
        "accepted_at": NOW,
        "sequence": 8,
        "previous_order_id": "ord_0",
        "status": OrderStatus.PARTIALLY_FILLED,
        "history": (
            HistoryEntry(status=OrderStatus.RECEIVED, time=NOW),
            HistoryEntry(status=OrderStatus.VALIDATED, time=NOW),
            HistoryEntry(status=OrderStatus.ROUTING, time=NOW),
            HistoryEntry(status=OrderStatus.PARTIALLY_FILLED, time=NOW, reason="a part"),
        ),
        "children": (
            ChildOrder(number=1, exchange_id="XNYS", quantity=60, filled=10),
            ChildOrder(
                number=2,
                exchange_id="BATS",
                quantity=40,
                status=ChildStatus.CANCELED,
                ending=ChildStatus.CANCELED,
                reported_cumulative=0,
                reason="canceled on request",
            ),
        ),
        "trades": ("trd_1",),
        "filled_quantity": 10,
        "filled_notional": Decimal("2285.00"),
        "fees": Decimal("0.03"),
        "review_reason": "OVERFILL",
        "attention_at": NOW,
    }
    return Order(order_id=order_id, **(values | changes))


def fill(trade_id: str = "trd_1", **changes: Any) -> Fill:
    """A buy of 10 AAPL, partly on credit."""
    values: dict[str, Any] = {
        "client_id": "alice",
        "order_id": "ord_1",
        "exchange_id": "XNYS",
        "execution_id": f"exec-{trade_id}",
        "symbol": "AAPL",
        "side": Side.BUY,
        "quantity": 10,
        "price": Decimal("228.50"),
        "notional": Decimal("2285.00"),
        "fees": Decimal("0.03"),
        "drawn": Decimal("1000.01"),
        "currency": "USD",
        "executed_at": NOW,
        "booked_at": NOW,
        "trade_date": TRADE_DATE,
        "settlement_date": SETTLEMENT_DATE,
        "postings": ledger.netted(
            ledger.transfer("USD", "client:alice", "exchange:XNYS", Decimal("2285.00")),
            ledger.transfer("AAPL", "exchange:XNYS", "client:alice", 10),
        ),
    }
    return Fill(trade_id=trade_id, **(values | changes))


def novation(trade_id: str = "trd_1") -> Novation:
    """The novation of `fill`."""
    return Novation(
        trade_id=trade_id,
        client_id="alice",
        order_id="ord_1",
        booked_at=NOW,
        clearing_id="clr_1",
        margin_required=Decimal("761.67"),
        settlement_amount=Decimal("2285.00"),
        net_position=NetPosition(
            symbol="AAPL",
            settlement_date=SETTLEMENT_DATE,
            net_quantity=-10,
            net_amount=Decimal("-2285.00"),
        ),
        postings=ledger.transfer("USD", "exchange:XNYS", "ccp:2026-01-06", Decimal("2285.00")),
    )


def settlement(trade_id: str = "trd_1") -> Settlement:
    """The settlement of `fill`."""
    return Settlement(
        trade_id=trade_id,
        client_id="alice",
        order_id="ord_1",
        symbol="AAPL",
        booked_at=NOW,
        settlement_id="stl_1",
        confirmation_id="CSD-1",
        settlement_date=SETTLEMENT_DATE,
        final_amount=Decimal("2285.03"),
        loan_repaid=Decimal("0.07"),
        postings=ledger.transfer("USD", "ccp:2026-01-06", "depository", Decimal("2285.00")),
    )


def deposit() -> Deposit:
    """Shares that were deposited."""
    return Deposit(
        trade_id="dep_1",
        client_id="alice",
        reference="opening",
        booked_at=NOW,
        postings=ledger.transfer("AAPL", "depository", "client:alice", 10),
    )


def trade_break(trade_id: str = "trd_1") -> Break:
    """An execution that the books refused."""
    return Break(
        trade_id=trade_id,
        client_id="alice",
        order_id="ord_1",
        booked_at=NOW,
        postings=(),
        code="OVERFILL",
        reason="10 executed where 0 was left",
        evidence={"price": "228.50", "quantity": "10"},
    )


def obligation(trade_id: str = "trd_1", **changes: Any) -> Obligation:
    """The obligation to deliver and receive for `fill`."""
    return obligation_of(fill(trade_id, **changes))


def proposal() -> Proposal:
    """A withdrawal that waits for a second person."""
    return Proposal(
        proposal_id="prp_1",
        change=ProposedChange.WITHDRAWAL,
        client_id="alice",
        subject="alice",
        request="{}",
        value=Decimal("2.00"),
        proposed_by="anna",
        proposed_with="anna (anna-1)",
        reason="asked by mail",
        proposed_at=NOW,
    )
