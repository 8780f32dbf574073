"""The environment of the function."""

from trading.bootstrap.settings import BooksAndVenueSettings


class Settings(BooksAndVenueSettings):
    """The settings of settlement, the mailbox of this function, and its dead-letter queue."""

    settlement_queue_url: str
    settlement_dlq_url: str
