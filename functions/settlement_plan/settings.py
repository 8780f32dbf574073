"""The environment of the function."""

from trading.bootstrap.settings import BooksSettings


class Settings(BooksSettings):
    pass
