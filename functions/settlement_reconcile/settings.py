"""What the function is told."""

from trading.adapters.stages import BooksAndVenueSettings


class Settings(BooksAndVenueSettings):
    """The books and the depository."""
