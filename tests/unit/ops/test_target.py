"""The names by which commands reach a deployment."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from ops.target import WITNESS, Target


@pytest.mark.parametrize(
    ("stage", "called"),
    [("dev", "trading-dev-day-close"), ("prod", "trading-prod-day-close:live")],
)
def test_production_is_called_by_its_aliases(stage: str, called: str) -> None:
    assert Target(stage, boto3.Session()).called("day-close") == called


class Session:
    """A session whose scheduler has one schedule, or fails."""

    region_name = "us-east-1"

    def __init__(self, state: str | Exception) -> None:
        self.state = state
        self.asked: list[str] = []

    def client(self, service: str, **_: Any) -> "Session":
        return self

    def get_schedule(self, Name: str) -> dict[str, str]:  # noqa: N803
        self.asked.append(Name)
        if isinstance(self.state, Exception):
            raise self.state
        return {"State": self.state}


@pytest.mark.parametrize(
    ("state", "warned"),
    [
        ("DISABLED", True),
        ("ENABLED", False),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSchedule"), False),
        (NoCredentialsError(), False),
    ],
)
def test_a_command_tells_at_its_start_that_the_writers_are_stopped(
    state: str | Exception, warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(state)
    target = Target("prod", session)  # type: ignore[arg-type]
    _ = target.sqs, target.dynamodb
    said = capsys.readouterr().err
    assert said.count("stage prod, AWS us-east-1") == 1
    assert said.count("ops writers start") == (1 if warned else 0)
    assert session.asked == [f"trading-prod-{WITNESS}"]
