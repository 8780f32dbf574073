import pytest
from pydantic import ValidationError

from trading.adapters.runtime.settings import (
    LambdaSettings,
    SettingsError,
    http_api_url,
    load,
    rest_api_url,
)
from trading.bootstrap.settings import TokenSettings
from trading.domain.clients.credentials import LONGEST_TOKEN

ENVIRONMENT = {
    "STAGE": "dev",
    "LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "orders",
    "POWERTOOLS_METRICS_NAMESPACE": "Trading",
    "ORDERS_TABLE": "trading-dev-orders",
    "LIMIT": "7",
}


class Settings(LambdaSettings):
    orders_table: str
    limit: int


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_settings_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    settings = load(Settings)
    assert (settings.orders_table, settings.limit, settings.token_issuer) == (
        "trading-dev-orders",
        7,
        "trading-dev",
    )


def test_one_message_names_all_missing_or_invalid_variables_without_their_values(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.delenv("ORDERS_TABLE")
    environment.setenv("STAGE", "")
    environment.setenv("LIMIT", "hunter2")
    with pytest.raises(SettingsError) as failure:
        load(Settings)
    message = str(failure.value)
    assert all(name in message for name in ("ORDERS_TABLE", "STAGE", "LIMIT"))
    assert "LOG_LEVEL" not in message
    assert "hunter2" not in message


def test_an_api_address_is_on_aws_or_on_the_local_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert rest_api_url("abc", "dev") == "https://abc.execute-api.eu-central-1.amazonaws.com/dev"
    assert http_api_url("abc") == "https://abc.execute-api.eu-central-1.amazonaws.com"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566/")
    assert rest_api_url("abc", "dev") == "http://localhost:4566/restapis/abc/dev/_user_request_"
    assert http_api_url("abc") == "http://localhost:4566/_aws/execute-api/abc/$default"


def test_no_deployment_makes_tokens_that_outlive_what_tells_of_their_end() -> None:
    longest = int(LONGEST_TOKEN.total_seconds())
    stated = {name.lower(): value for name, value in ENVIRONMENT.items()}
    stated |= {"signing_keys": {"trading-api": ["key"]}, "token_lifetime_seconds": str(longest)}
    assert TokenSettings.model_validate(stated).token_lifetime == LONGEST_TOKEN
    with pytest.raises(ValidationError):
        TokenSettings.model_validate(stated | {"token_lifetime_seconds": str(longest + 1)})
