"""The environment of the function."""

from trading.bootstrap.settings import AuditSettings, BooksAndVenueSettings, BrowserSettings


class Settings(BooksAndVenueSettings, BrowserSettings, AuditSettings):
    """The settings of clearing and settlement, the mailbox for executions, the refusals, and the
    audit log.
    """

    execution_queue_url: str
    idempotency_table: str
