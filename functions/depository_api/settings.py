"""Settings of depository_api."""

from simulators.adapters.settings import VenueSettings


class Settings(VenueSettings):
    """Where the books are."""

    depository_table: str
