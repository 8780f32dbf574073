"""What the function is told."""

from trading.adapters.tables import BooksSettings


class Settings(BooksSettings):
    """The books."""
