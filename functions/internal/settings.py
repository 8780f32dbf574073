"""The environment of the function."""

from trading.bootstrap.settings import BooksAndVenueSettings


class Settings(BooksAndVenueSettings):
    """What clearing and settlement need, and the mailbox for executions."""

    execution_queue_url: str
