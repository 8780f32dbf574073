"""The environment of the function."""

from trading.bootstrap.settings import BooksAndVenueSettings, BrowserSettings


class Settings(BooksAndVenueSettings, BrowserSettings):
    """The settings of clearing and settlement, the mailbox for executions, and the refusals."""

    execution_queue_url: str
    idempotency_table: str
