"""The environment of the function."""

from simulators.adapters.settings import ExchangeApiSettings


class Settings(ExchangeApiSettings):
    pass
