"""The instruments and exchanges of the simulated market. Prices are illustrative."""

from typing import Literal, NamedTuple


class ListedInstrument(NamedTuple):
    """A listed share. Prices are decimal strings in USD. `liquidity` scales the size that every
    exchange displays.

    All instruments of the demo but one trade continuously. One with regular hours executes only in
    the exchanges' sessions.
    """

    symbol: str
    name: str
    reference_price: str
    tick_size: str = "0.01"
    lot_size: int = 1
    liquidity: str = "1"
    trading_hours: Literal["regular", "continuous"] = "continuous"


class ListedExchange(NamedTuple):
    """An exchange with its market identifier code (ISO 10383). The fee is a decimal string in USD
    per share.
    """

    exchange_id: str
    mic: str
    name: str
    fee_per_share: str


EXCHANGES = (
    ListedExchange("XNYS", "XNYS", "New York Stock Exchange", "0.0030"),
    ListedExchange("XNAS", "XNAS", "Nasdaq", "0.0030"),
    ListedExchange("ARCX", "ARCX", "NYSE Arca", "0.0028"),
    ListedExchange("BATS", "BATS", "Cboe BZX", "0.0025"),
)
EXCHANGE_IDS = tuple(exchange.exchange_id for exchange in EXCHANGES)

INSTRUMENTS = (
    ListedInstrument("AAPL", "Apple Inc.", "228.50"),
    ListedInstrument("MSFT", "Microsoft Corporation", "428.10"),
    ListedInstrument("NVDA", "NVIDIA Corporation", "138.25", liquidity="2"),
    ListedInstrument("AMZN", "Amazon.com, Inc.", "204.60"),
    ListedInstrument("GOOGL", "Alphabet Inc. Class A", "178.35"),
    ListedInstrument("META", "Meta Platforms, Inc.", "565.20", liquidity="0.8"),
    ListedInstrument("TSLA", "Tesla, Inc.", "248.90", liquidity="1.5"),
    ListedInstrument("AMD", "Advanced Micro Devices, Inc.", "142.05"),
    ListedInstrument("JPM", "JPMorgan Chase & Co.", "224.70"),
    ListedInstrument("V", "Visa Inc.", "285.40", liquidity="0.8"),
    ListedInstrument("JNJ", "Johnson & Johnson", "158.15", liquidity="0.8"),
    ListedInstrument("PG", "The Procter & Gamble Company", "168.80", liquidity="0.8"),
    ListedInstrument("KO", "The Coca-Cola Company", "65.45"),
    ListedInstrument("WMT", "Walmart Inc.", "81.30"),
    ListedInstrument("XOM", "Exxon Mobil Corporation", "118.95"),
    ListedInstrument("DIS", "The Walt Disney Company", "97.60"),
    ListedInstrument("BA", "The Boeing Company", "152.75", liquidity="0.6"),
    ListedInstrument(
        "IBM", "International Business Machines Corporation", "208.30", liquidity="0.6"
    ),
    ListedInstrument("WDFC", "WD-40 Company", "262.40", liquidity="0.05"),
    ListedInstrument("RGR", "Sturm, Ruger & Company, Inc.", "39.85", liquidity="0.04"),
    ListedInstrument("F", "Ford Motor Company", "11.20", liquidity="2", trading_hours="regular"),
)


def market_items() -> list[dict[str, str | int]]:
    """The items that open the simulated market. They must be in the exchanges' table before the
    first order.
    """
    return [
        {
            "pk": "MARKET",
            "sk": instrument.symbol,
            "reference_price": instrument.reference_price,
            "tick_size": instrument.tick_size,
            "lot_size": instrument.lot_size,
            "liquidity": instrument.liquidity,
            "trading_hours": instrument.trading_hours,
        }
        for instrument in INSTRUMENTS
    ]
