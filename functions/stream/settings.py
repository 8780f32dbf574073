"""The environment of the function."""

from trading.bootstrap.settings import StreamSettings


class Settings(StreamSettings):
    pass
