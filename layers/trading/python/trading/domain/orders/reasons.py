"""Why an order is rejected, or ends before it is filled."""

from trading.domain.coded import Coded


class RejectReason(Coded):
    """Why a pre-trade check rejects an order."""

    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL", "The symbol is not listed."
    INSTRUMENT_HALTED = "INSTRUMENT_HALTED", "Trading in the instrument is halted."
    LOT_SIZE = "LOT_SIZE", "The quantity is not a multiple of the instrument's lot size."
    MAX_ORDER_QUANTITY = (
        "MAX_ORDER_QUANTITY",
        "The quantity exceeds the instrument's maximum for one order.",
    )
    TICK_SIZE = "TICK_SIZE", "A price is not a multiple of the instrument's tick size."
    PRICE_OUTSIDE_COLLAR = (
        "PRICE_OUTSIDE_COLLAR",
        "A price lies too far from the instrument's last price.",
    )
    STOP_PRICE_REACHED = (
        "STOP_PRICE_REACHED",
        "The last price has already reached the stop price.",
    )
    MAX_ORDER_NOTIONAL = (
        "MAX_ORDER_NOTIONAL",
        "The quantity at its worst price exceeds the instrument's maximum for one order.",
    )
    MARKET_CLOSED = (
        "MARKET_CLOSED",
        "The market is closed, and an order of this kind cannot wait for the open.",
    )
    CLIENT_INACTIVE = "CLIENT_INACTIVE", "The client is suspended."
    TOO_MANY_OPEN_ORDERS = (
        "TOO_MANY_OPEN_ORDERS",
        "The client already has the greatest number of open orders allowed.",
    )
    SELF_TRADE = "SELF_TRADE", "The order could trade with another open order of the same client."
    DAILY_LIMIT_EXCEEDED = (
        "DAILY_LIMIT_EXCEEDED",
        "The order exceeds what is left of the client's daily trading limit.",
    )
    INSUFFICIENT_SHARES = (
        "INSUFFICIENT_SHARES",
        "The client has fewer shares available than the order sells.",
    )
    CREDIT_LIMIT_EXCEEDED = (
        "CREDIT_LIMIT_EXCEEDED",
        "The order draws more credit than the client has available.",
    )
    INSUFFICIENT_FUNDS = (
        "INSUFFICIENT_FUNDS",
        "The order needs more cash than the client has available.",
    )
    REPLACE_TOO_LATE = (
        "REPLACE_TOO_LATE",
        "When the replaced order ended, nothing was left, or the new order's time was over.",
    )


class EndReason(Coded):
    """Why an accepted order ends before it is filled."""

    CANCELED = "CANCELED", "The order was canceled, or replaced by another."
    EXPIRED = "EXPIRED", "The time in force of the order was over."
    REMAINDER_CANCELED = (
        "REMAINDER_CANCELED",
        "The exchanges did not execute the remaining quantity and gave it up.",
    )
    EXECUTION_BUSTED = (
        "EXECUTION_BUSTED",
        "The exchange busted executed shares, and nothing else of the order remained.",
    )
    NOT_EXECUTABLE = "NOT_EXECUTABLE", "No exchange took the order."
    SELF_TRADE_PREVENTED = (
        "SELF_TRADE_PREVENTED",
        "At every remaining exchange, the order could trade with another order of the client.",
    )
    PROCESSING_FAILED = (
        "PROCESSING_FAILED",
        "The order could not be processed. No exchange has seen it.",
    )


OrderReason = RejectReason | EndReason
