"""The names by which commands reach a deployment."""

import boto3
import pytest

from ops.target import Target


@pytest.mark.parametrize(
    ("stage", "called"),
    [("dev", "trading-dev-day-close"), ("prod", "trading-prod-day-close:live")],
)
def test_production_is_called_by_its_aliases(stage: str, called: str) -> None:
    assert Target(stage, boto3.Session()).called("day-close") == called
