"""Settings of exchange_matching."""

from simulators.adapters.settings import VenueSettings


class Settings(VenueSettings):
    """Where the books are."""

    exchange_table: str
