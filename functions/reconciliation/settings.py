"""The environment of the function."""

from trading.bootstrap.settings import ReconciliationSettings


class Settings(ReconciliationSettings):
    pass
