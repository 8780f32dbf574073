"""The environment of the function."""

from trading.bootstrap.settings import EventPublisherSettings


class Settings(EventPublisherSettings):
    pass
