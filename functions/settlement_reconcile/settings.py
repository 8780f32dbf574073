"""What the function is told."""

from trading.bootstrap import BooksAndVenueSettings


class Settings(BooksAndVenueSettings):
    """The books and the depository."""
