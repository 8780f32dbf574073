"""The environment of the function."""

from trading.bootstrap.settings import LogInSettings


class Settings(LogInSettings):
    pass
