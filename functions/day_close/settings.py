"""The environment of the function."""

from trading.bootstrap.settings import DayCloseSettings


class Settings(DayCloseSettings):
    pass
