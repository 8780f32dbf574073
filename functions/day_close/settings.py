"""What the function is told."""

from trading.adapters.dynamodb.tables import BooksSettings


class Settings(BooksSettings):
    """The books, and the mailboxes that expiries and clearings go to."""

    clearing_queue_url: str
    execution_queue_url: str
