"""Where the outside world is: real venues or simulators, and which of them a stage may use."""

import json

import pytest

from trading.adapters.runtime.settings import SettingsError, load
from trading.bootstrap.settings import VenueSettings
from trading.bootstrap.venues import base_urls

COMMON = {
    "LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "execution",
    "POWERTOOLS_METRICS_NAMESPACE": "Trading",
    "VENUE_SECRET_PREFIX": "trading-prod-venue-",
}
SIMULATORS = {"VENUES_API_ID": "abc123", "VENUES_API_STAGE": "prod"}
REAL = {"XNYS": "https://xnys.example/v1", "depository": "https://dtc.example"}
VARIABLES = (
    "VENUES_API_ID",
    "VENUES_API_STAGE",
    "VENUE_URLS",
    "SIMULATORS_ALLOWED",
    "TAPE_KEY_ID",
    "AWS_ENDPOINT_URL",
)


def started(monkeypatch: pytest.MonkeyPatch, stage: str, **variables: str) -> VenueSettings:
    """The settings as a function reads them at its start."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**COMMON, "STAGE": stage, "AWS_REGION": "us-east-1", **variables}.items():
        monkeypatch.setenv(name, value)
    return load(VenueSettings)


def test_production_does_not_start_with_simulators(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="stage prod does not trade with simulators"):
        started(monkeypatch, "prod", **SIMULATORS)


@pytest.mark.parametrize(("stage", "more"), [("dev", {}), ("prod", {"SIMULATORS_ALLOWED": "true"})])
def test_simulators_share_one_address(
    stage: str, more: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = base_urls(started(monkeypatch, stage, **SIMULATORS, **more))
    expected = "https://abc123.execute-api.us-east-1.amazonaws.com/prod"
    assert address("XNYS") == address("depository") == expected


def test_real_venues_have_an_address_each(monkeypatch: pytest.MonkeyPatch) -> None:
    address = base_urls(started(monkeypatch, "prod", VENUE_URLS=json.dumps(REAL)))
    assert [address(name) for name in ("XNYS", "depository", "XNAS")] == [*REAL.values(), None]


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({}, "no venues: set VENUE_URLS"),
        ({"VENUES_API_ID": "abc123"}, "VENUES_API_STAGE"),
        ({"VENUE_URLS": '{"XNYS": "http://user:hunter2@xnys.example"}'}, "https.*XNYS"),
        ({"VENUE_URLS": '{"XNYS": "https://hunter2.example?x=1"}'}, "https.*XNYS"),
        ({"VENUE_URLS": '{"XNAS": "https://hunter2.example"}'}, "TAPE_KEY_ID=XNYS"),
        ({"VENUE_URLS": "hunter2"}, "venue_urls"),
        ({"VENUE_URLS": '["hunter2"]'}, "VENUE_URLS"),
    ],
)
def test_a_message_says_what_is_wrong_with_the_venues_and_repeats_no_address(
    variables: dict[str, str], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=complaint) as failure:
        started(monkeypatch, "prod", **variables)
    assert "hunter2" not in str(failure.value)
    assert not str(failure.value).startswith(" ")
