"""The environment of the function."""

from trading.bootstrap.settings import ComparisonSettings


class Settings(ComparisonSettings):
    pass
