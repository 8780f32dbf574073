"""The environment of the function."""

from trading.bootstrap.settings import PushSettings


class Settings(PushSettings):
    pass
