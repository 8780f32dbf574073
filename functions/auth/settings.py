"""The environment of the function."""

from trading.bootstrap.settings import ClientLogInSettings


class Settings(ClientLogInSettings):
    pass
