"""The environment of the function."""

from trading.bootstrap.settings import BooksAndVenueSettings, InternalApiSettings


class Settings(BooksAndVenueSettings, InternalApiSettings):
    """The settings of clearing and settlement, the mailbox for executions, and the refusals."""

    execution_queue_url: str
    idempotency_table: str
