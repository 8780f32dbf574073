"""What the function is told."""

from trading.bootstrap import BooksAndVenueSettings


class Settings(BooksAndVenueSettings):
    """What settling needs, its own mailbox for continuations, and where messages go that cannot
    succeed.
    """

    settlement_queue_url: str
    settlement_dlq_url: str
