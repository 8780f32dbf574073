"""The environment of the function."""

from trading.bootstrap.settings import BooksAndVenueSettings


class Settings(BooksAndVenueSettings):
    """The settings of clearing and settlement, and the mailbox for executions."""

    execution_queue_url: str
