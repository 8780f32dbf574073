"""The environment of the function."""

from trading.bootstrap.settings import CallbacksSettings


class Settings(CallbacksSettings):
    pass
