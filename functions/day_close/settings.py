"""What the function is told."""

from trading.adapters.tables import BooksSettings


class Settings(BooksSettings):
    """The books, and the mailbox that expiries go to."""

    execution_queue_url: str
