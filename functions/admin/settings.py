"""What the function is told."""

from trading.adapters.dynamodb.tables import BooksSettings


class Settings(BooksSettings):
    """The books, the clients' API keys, the audit log, the clients' mailboxes, the records of what
    was asked for, last prices, and the orders' workflow, to look at it.
    """

    audit_table: str
    control_table: str
    credentials_table: str
    execution_queue_url: str
    idempotency_table: str
    order_lifecycle_arn: str
