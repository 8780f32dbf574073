"""The environment of the function."""

from trading.bootstrap.settings import EventLogSettings


class Settings(EventLogSettings):
    pass
