"""The environment variables of the simulated venues' functions."""

import os
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class VenueSettings(BaseSettings):
    """The variables that the functions of all venues read. A field has the name of its variable."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    stage: str
    powertools_service_name: str
    powertools_metrics_namespace: str
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    venue_secret_prefix: str
    simulation_seed: str

    @property
    def is_local(self) -> bool:
        """Whether AWS is the local one. Callbacks may then go over plain HTTP."""
        return bool(os.environ.get("AWS_ENDPOINT_URL"))


class ExchangeSettings(VenueSettings):
    exchange_table: str


class ExchangeApiSettings(ExchangeSettings):
    matching_function_name: str


class DepositorySettings(VenueSettings):
    depository_table: str
