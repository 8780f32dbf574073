"""The formats of the exchanges' and the depository's APIs. Prices and amounts are decimal strings
in JSON.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field

from trading.domain.patterns import NAME, whole
from trading.domain.values import Day, Frozen, Money, PositiveMoney, Side, TimeInForce, Timestamp
from trading.received import EPOCH, Reason, Received, VenueTime

VENUE_URL = r"https://[A-Za-z0-9.-]*[A-Za-z0-9](:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
"""The address of a venue's API, to which paths are appended: no user, query or fragment."""
CALLBACK_PATH = "/api/v1/exchange/callbacks"
TRANSPORT_SECURITY = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}
"""Tells a browser to use only HTTPS for two years (RFC 6797). Every answer has it, except that to a
preflight.
"""
MAX_SHARES = 10**12
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


class ExecType(StrEnum):
    """The event that an execution report reports (FIX tag 150).

    TRADE_CORRECT (G) and TRADE_CANCEL (H, a bust) change an execution that was reported before.
    """

    NEW = "NEW"
    TRADE = "TRADE"
    TRADE_CORRECT = "TRADE_CORRECT"
    TRADE_CANCEL = "TRADE_CANCEL"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    OTHER = "OTHER"
    """An event that we do not know, such as PENDING_CANCEL, DONE_FOR_DAY or RESTATED."""


class VenueOrderStatus(StrEnum):
    """The status of an order at an exchange (FIX tag 39)."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    OTHER = "OTHER"
    """A status that we do not know. The order is believed to be working."""

    @property
    def is_final(self) -> bool:
        """Whether the exchange will do no more work on this order."""
        return self not in (
            VenueOrderStatus.NEW,
            VenueOrderStatus.PARTIALLY_FILLED,
            VenueOrderStatus.OTHER,
        )


class SubmitOrder(Frozen):
    """An order in the form that an exchange takes.

    It always has a price: a market order is sent as a limit order at its collar. An order with a
    stop price rests undisplayed. The exchange elects it when the last price reaches the stop price
    (for a buy: rises to it). From then on, it is a limit order (FIX OrdType 4).
    """

    client_order_id: str = Field(min_length=1, max_length=64)
    account: str = Field(
        pattern=whole(NAME), description="echoed in every report (FIX tag 1); our client id"
    )
    symbol: str = Field(max_length=12)
    side: Side
    quantity: int = Field(gt=0)
    limit_price: Money = Field(gt=0)
    stop_price: Money | None = Field(default=None, gt=0)
    time_in_force: TimeInForce
    callback_url: str = Field(max_length=512)
    correlation_id: str = Field(max_length=128)


class Execution(Received):
    """One fill at an exchange. `execution_id` is unique at that exchange.

    `reference_execution_id`: the execution that this one corrects, if it is a correction. A
    quantity or price of zero stands for one that cannot be read.
    """

    stand_ins: ClassVar[dict[str, Any]] = {
        "quantity": 0,
        "price": Decimal(0),
        "transact_time": EPOCH,
    }

    execution_id: str = Field(min_length=1, max_length=64)
    quantity: int = Field(ge=0, le=MAX_SHARES)
    price: Money = Field(ge=0)
    transact_time: VenueTime
    reference_execution_id: str | None = Field(default=None, min_length=1, max_length=64)

    @property
    def is_readable(self) -> bool:
        """Whether it says how much was executed, and at which price."""
        return self.quantity > 0 and self.price > 0


class Bust(Received):
    """An execution that an exchange canceled. `execution_id` is the bust's own id."""

    stand_ins: ClassVar[dict[str, Any]] = {"transact_time": EPOCH}

    execution_id: str = Field(min_length=1, max_length=64)
    reference_execution_id: str = Field(min_length=1, max_length=64)
    transact_time: VenueTime


class OrderState(Received):
    """Everything an exchange knows of one order.

    `executions` has corrected and busted ones too, and every correction after what it corrects.
    `cumulative_quantity` counts what stands. `busted_quantity` is what busts and corrections took
    away; it does not go back to the market.
    """

    stand_ins: ClassVar[dict[str, Any]] = {
        "exchange_id": "unknown",
        "exchange_order_id": "unknown",
        "status": VenueOrderStatus.OTHER,
        "quantity": 0,
        "cumulative_quantity": 0,
        "leaves_quantity": 0,
        "busted_quantity": 0,
        "reason": None,
    }
    lists: ClassVar[tuple[str, ...]] = ("executions", "busts")

    exchange_id: str = Field(max_length=64)
    client_order_id: str = Field(max_length=64)
    exchange_order_id: str = Field(max_length=64)
    status: VenueOrderStatus
    quantity: int = Field(ge=0, le=MAX_SHARES)
    cumulative_quantity: int = Field(ge=0, le=MAX_SHARES)
    leaves_quantity: int = Field(ge=0, le=MAX_SHARES)
    busted_quantity: int = Field(default=0, ge=0, le=MAX_SHARES)
    reason: Reason | None = None
    executions: tuple[Execution, ...] = ()
    busts: tuple[Bust, ...] = ()

    @classmethod
    def _adjust(cls, known: dict[str, Any], unreadable: set[str]) -> None:
        """An end counts only with the number of shares that were executed before it."""
        if unreadable & {"cumulative_quantity", "busted_quantity"}:
            known["status"] = VenueOrderStatus.OTHER

    def without_end(self) -> "OrderState":
        """The same state, but with the order still working at the exchange."""
        return self.but(status=VenueOrderStatus.NEW)


class ExecutionReport(Received):
    """A report that an exchange sends by callback. `execution_id` identifies the report. In a TRADE
    report, it is the id of the fill.

    TRADE_CORRECT and TRADE_CANCEL name the execution that they change in `reference_execution_id`
    (ExecRefID, FIX tag 19): always the latest one, so that a correction of a correction names the
    correction. A correction states the new quantity and price, and its `execution_id` is the id of
    the corrected fill. `busted_quantity`: see OrderState.
    """

    stand_ins: ClassVar[dict[str, Any]] = {
        "exchange_order_id": "unknown",
        "symbol": "",
        "side": Side.BUY,
        "exec_type": ExecType.OTHER,
        "reference_execution_id": None,
        "last_quantity": 0,
        "last_price": None,
        "cumulative_quantity": 0,
        "leaves_quantity": 0,
        "busted_quantity": 0,
        "reason": None,
        "transact_time": EPOCH,
        "correlation_id": "unknown",
    }

    exchange_id: str = Field(max_length=16)
    execution_id: str = Field(min_length=1, max_length=64)
    client_order_id: str = Field(min_length=1, max_length=64)
    exchange_order_id: str = Field(min_length=1, max_length=64)
    account: str = Field(pattern=whole(NAME))
    symbol: str = Field(max_length=12)
    side: Side
    exec_type: ExecType
    reference_execution_id: str | None = Field(default=None, min_length=1, max_length=64)
    last_quantity: int = Field(default=0, ge=0, le=MAX_SHARES)
    last_price: PositiveMoney | None = None
    cumulative_quantity: int = Field(ge=0, le=MAX_SHARES)
    leaves_quantity: int = Field(ge=0, le=MAX_SHARES)
    busted_quantity: int = Field(default=0, ge=0, le=MAX_SHARES)
    reason: Reason | None = None
    transact_time: VenueTime
    correlation_id: str = Field(max_length=128)

    @classmethod
    def _adjust(cls, known: dict[str, Any], unreadable: set[str]) -> None:
        """An end counts only with the number of shares that were executed before it.

        A trade of an unknown side is no trade.
        """
        numbers = {"cumulative_quantity", "busted_quantity"}
        if unreadable & numbers and known["exec_type"] in ENDS:
            known["exec_type"] = ExecType.OTHER
        if unreadable & {"side", "symbol"}:
            known["last_quantity"] = 0

    @property
    def idempotency_key(self) -> str:
        """The Idempotency-Key that an exchange sends with it. A header takes printable ASCII, so
        other characters are percent-encoded. White space at the end of a header is not sent.
        """
        return quote(f"{self.exchange_id}:{self.execution_id}", safe=PRINTABLE).strip()

    @property
    def statement(self) -> "ExecutionReport":
        """What it says for the books, without what was set aside and without the correlation id.
        Reports with equal statements are the same.
        """
        return self.but(not_understood=None, correlation_id="")


ENDS = (ExecType.CANCELED, ExecType.REJECTED, ExecType.EXPIRED)


class VenueQuote(Received):
    """The best bid and offer of one exchange. Sizes are in shares."""

    exchange_id: str = Field(max_length=64)
    bid: Money = Field(ge=0)
    bid_size: int = Field(ge=0, le=MAX_SHARES)
    ask: Money = Field(ge=0)
    ask_size: int = Field(ge=0, le=MAX_SHARES)

    def less(self, bought: int, sold: int) -> "VenueQuote":
        """The quote after takers bought and sold these numbers of shares."""
        return self.but(
            bid_size=max(self.bid_size - sold, 0), ask_size=max(self.ask_size - bought, 0)
        )


class ConsolidatedQuote(Received):
    """The quotes for a symbol on the consolidated tape, with one entry for each exchange that is
    up.
    """

    stand_ins: ClassVar[dict[str, Any]] = {"as_of": EPOCH}
    lists: ClassVar[tuple[str, ...]] = ("quotes",)

    symbol: str = Field(max_length=64)
    as_of: Timestamp
    quotes: tuple[VenueQuote, ...]


class DeliveryDirection(StrEnum):
    """The direction of the shares, as seen from the broker's account at the depository."""

    RECEIVE = "RECEIVE"
    DELIVER = "DELIVER"


class ConfirmationStatus(StrEnum):
    """The result of a settlement instruction."""

    SETTLED = "SETTLED"
    FAILED = "FAILED"
    OTHER = "OTHER"
    """A result that we do not know, such as PENDING."""


class SettlementInstruction(Frozen):
    """Delivery versus payment: the shares move if and only if the amount moves the other way."""

    instruction_id: str = Field(min_length=1, max_length=64)
    settlement_account: str = Field(max_length=64)
    counterparty: str = Field(max_length=64)
    direction: DeliveryDirection
    symbol: str = Field(max_length=12)
    quantity: int = Field(gt=0)
    amount: Money = Field(ge=0)
    currency: str = Field(min_length=3, max_length=3)
    settlement_date: Day


class SettlementConfirmation(Received):
    """The depository's answer to an instruction."""

    stand_ins: ClassVar[dict[str, Any]] = {
        "status": ConfirmationStatus.OTHER,
        "confirmed_at": EPOCH,
        "reason": None,
    }

    instruction_id: str = Field(max_length=64)
    confirmation_id: str = Field(max_length=64)
    status: ConfirmationStatus
    direction: DeliveryDirection
    symbol: str = Field(max_length=64)
    quantity: int = Field(le=MAX_SHARES)
    amount: Money
    currency: str = Field(max_length=64)
    settlement_date: Day
    confirmed_at: Timestamp
    reason: Reason | None = None


class ConfirmationPage(Received):
    """A page of the confirmations of a settlement date. The cursors are opaque.

    They are listed in the order in which they were made. One that changes is listed again, at the
    end. `next_cursor` names the next page, if there is one. `end_cursor` of the last page is for
    later: it names the page that begins with what has been confirmed since. A depository without
    it has the whole date compared again.
    """

    lists: ClassVar[tuple[str, ...]] = ("confirmations",)
    stand_ins: ClassVar[dict[str, Any]] = {"end_cursor": None}

    confirmations: tuple[SettlementConfirmation, ...]
    next_cursor: str | None = Field(default=None, max_length=2048)
    end_cursor: str | None = Field(default=None, max_length=512, pattern=r"^[!-~]+$")
