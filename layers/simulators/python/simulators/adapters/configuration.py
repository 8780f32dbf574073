"""The configuration that may change while the system runs: the venues' behaviour and the listings.
A worker caches it for at most one second.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from simulators.adapters.tables import Item, Table
from simulators.behaviour import EXCHANGE_DEFAULTS, DepositoryBehaviour, ExchangeBehaviour
from simulators.market import Listing

KEPT_FOR = timedelta(seconds=1)
DEPOSITORY = "depository"


class Configuration:
    """Reads the items `CONFIG`/{venue} and `MARKET`/{symbol} of a venue's table."""

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[datetime, Item | None]] = {}

    def exchange(self, exchange_id: str) -> ExchangeBehaviour:
        """The present behaviour of the exchange."""
        default = EXCHANGE_DEFAULTS.get(exchange_id, ExchangeBehaviour())
        return default.overridden(self._item("CONFIG", exchange_id) or {})

    def depository(self) -> DepositoryBehaviour:
        """The present behaviour of the depository."""
        return DepositoryBehaviour().overridden(self._item("CONFIG", DEPOSITORY) or {})

    def listing(self, symbol: str) -> Listing | None:
        """The listing of the symbol; None if it is not listed."""
        item = self._item("MARKET", symbol)
        return Listing.model_validate({**item, "symbol": symbol}) if item is not None else None

    def _item(self, pk: str, sk: str) -> Item | None:
        now = self._clock()
        kept = self._kept.get((pk, sk))
        if kept is None or now - kept[0] >= KEPT_FOR:
            kept = now, self._table.get(pk, sk)
            self._kept[pk, sk] = kept
        return kept[1]
