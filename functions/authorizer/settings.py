"""The environment of the function."""

from trading.bootstrap.settings import AuthorizerSettings


class Settings(AuthorizerSettings):
    pass
