"""What the function is told."""

from trading.bootstrap import BooksAndVenueSettings


class Settings(BooksAndVenueSettings):
    """What clearing and settling need, and the mailbox that executions go through."""

    execution_queue_url: str
