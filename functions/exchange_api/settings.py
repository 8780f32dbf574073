"""Settings of exchange_api."""

from simulators.adapters.settings import VenueSettings


class Settings(VenueSettings):
    """Where the books are, and who matches."""

    exchange_table: str
    matching_function_name: str
