"""What every simulated venue's function is told."""

import os
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class VenueSettings(BaseSettings):
    """Read from the environment; a function's own model adds fields named as its variables, in
    lower case.
    """

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
        """Whether AWS is the local one, where callbacks may go over plain HTTP."""
        return bool(os.environ.get("AWS_ENDPOINT_URL"))
