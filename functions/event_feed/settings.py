"""The environment of the function."""

from trading.bootstrap.settings import EventFeedSettings


class Settings(EventFeedSettings):
    pass
