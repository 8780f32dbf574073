"""The events for `sam local invoke`: each function understands its event and answers it as
unauthenticated.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.conftest import World

EVENTS = Path(__file__).resolve().parents[3] / "events"


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("auth", "INVALID_CREDENTIALS"),
        ("internal_auth", "INVALID_CREDENTIALS"),
        ("callbacks", "INVALID_SIGNATURE"),
    ],
)
def test_an_event_with_unknown_credentials_is_refused(world: World, name: str, code: str) -> None:
    answer = world.call(name, event(name))
    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["code"] == code


@pytest.mark.parametrize("name", ["authorizer", "internal_authorizer"])
def test_an_event_with_an_unknown_token_is_unauthorized(world: World, name: str) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        world.call(name, event(name))
