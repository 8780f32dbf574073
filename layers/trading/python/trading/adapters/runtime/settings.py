"""Settings of the functions: read from the environment, validated once at cold start."""

import os
from typing import Literal, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableError


class SettingsError(Exception):
    """The function is deployed wrongly. The message names each missing or invalid variable."""


class LambdaSettings(BaseSettings):
    """The variables that every function reads. Fields have the names of the variables."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    stage: str
    powertools_service_name: str
    powertools_metrics_namespace: str
    log_level: Literal["DEBUG", "INFO"]
    """Metrics are in lines of the level INFO. A higher level would also silence the alarms."""

    @property
    def token_issuer(self) -> str:
        """The `iss` of this stage's tokens."""
        return f"trading-{self.stage}"


Settings = TypeVar("Settings", bound=BaseSettings)


def load(settings_type: type[Settings]) -> Settings:
    """The settings of this environment.

    Raises SettingsError. Its message repeats no value, because a value may be a secret.
    """
    try:
        return settings_type()
    except UnreadableError as error:  # a value that should be JSON; the message names its field
        raise SettingsError(f"{settings_type.__module__}: bad environment: {error}") from None
    except ValidationError as error:
        problems = sorted(
            f"{'.'.join(map(str, problem['loc'])).upper()} ({problem['msg']})".lstrip()
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(
            f"{settings_type.__module__}: bad environment: {'; '.join(problems)}"
        ) from None


def http_api_url(api_id: str) -> str:
    """The URL of an HTTP API: on AWS, or on the local AWS if AWS_ENDPOINT_URL is set."""
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        return f"{endpoint.rstrip('/')}/_aws/execute-api/{api_id}/$default"
    return f"https://{api_id}.execute-api.{os.environ['AWS_REGION']}.amazonaws.com"


def rest_api_url(api_id: str, stage: str) -> str:
    """The URL of a REST API's stage: on AWS, or on the local AWS if AWS_ENDPOINT_URL is set."""
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        return f"{endpoint.rstrip('/')}/restapis/{api_id}/{stage}/_user_request_"
    return f"https://{api_id}.execute-api.{os.environ['AWS_REGION']}.amazonaws.com/{stage}"


def sockets_url(api_id: str, stage: str) -> str:
    """The URL that messages to the connections of a WebSocket API are sent to: on AWS, or on the
    local AWS if AWS_ENDPOINT_URL is set.
    """
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        return f"{endpoint.rstrip('/')}/_aws/execute-api/{api_id}/{stage}"
    return f"https://{api_id}.execute-api.{os.environ['AWS_REGION']}.amazonaws.com/{stage}"
