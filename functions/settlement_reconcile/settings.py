"""The environment of the function."""

from trading.bootstrap.settings import BooksAndVenueSettings


class Settings(BooksAndVenueSettings):
    pass
