"""The environment of the function."""

from trading.bootstrap.settings import BooksSettings


class Settings(BooksSettings):
    """The books, the mailbox of this function, and its dead-letter queue."""

    clearing_queue_url: str
    clearing_dlq_url: str
