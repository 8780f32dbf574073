"""The environment of the function."""

from simulators.adapters.settings import DepositorySettings


class Settings(DepositorySettings):
    pass
