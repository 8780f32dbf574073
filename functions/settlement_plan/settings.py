"""What the function is told."""

from trading.adapters.dynamodb.tables import BooksSettings


class Settings(BooksSettings):
    """The books."""
