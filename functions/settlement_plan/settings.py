"""The environment of the function."""

from trading.bootstrap.settings import PlanSettings


class Settings(PlanSettings):
    pass
