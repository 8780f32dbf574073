"""The environment of the function."""

from trading.bootstrap.settings import SweeperSettings


class Settings(SweeperSettings):
    pass
