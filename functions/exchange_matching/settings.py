"""The environment of the function."""

from simulators.adapters.settings import ExchangeSettings


class Settings(ExchangeSettings):
    pass
