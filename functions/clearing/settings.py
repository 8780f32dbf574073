"""What the function is told."""

from trading.adapters.dynamodb.tables import BooksSettings


class Settings(BooksSettings):
    """The books, and where messages go that cannot succeed."""

    clearing_queue_url: str
    clearing_dlq_url: str
