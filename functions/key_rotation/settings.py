"""The environment of the function."""

from trading.bootstrap.settings import SigningKeySettings


class Settings(SigningKeySettings):
    pass
