"""The environment of the function."""

from trading.bootstrap.settings import InternalAuthorizerSettings


class Settings(InternalAuthorizerSettings):
    pass
