"""The environment of the function."""

from trading.bootstrap.settings import ClientApiSettings


class Settings(ClientApiSettings):
    pass
