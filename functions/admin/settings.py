"""What the function is told."""

from trading.adapters.tables import BooksSettings


class Settings(BooksSettings):
    """The books, the clients' API keys, the audit log, the clients' mailboxes, and the records of what was asked for."""

    audit_table: str
    credentials_table: str
    execution_queue_url: str
    idempotency_table: str
