"""The environment of the function."""

from trading.bootstrap.settings import AdministrationSettings


class Settings(AdministrationSettings):
    pass
