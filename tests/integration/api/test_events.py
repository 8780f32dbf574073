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
    ("name", "code"), [("auth", "INVALID_CREDENTIALS"), ("callbacks", "INVALID_SIGNATURE")]
)
def test_an_event_with_unknown_credentials_is_refused(world: World, name: str, code: str) -> None:
    answer = world.call(name, event(name))
    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["code"] == code


@pytest.mark.parametrize("name", ["authorizer", "internal_authorizer"])
def test_an_event_with_an_unknown_token_is_unauthorized(world: World, name: str) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        world.call(name, event(name))


@pytest.mark.parametrize("rotated", [True, False])
def test_every_run_of_the_key_rotation_counts_as_a_check(
    world: World, capsys: pytest.CaptureFixture[str], rotated: bool
) -> None:
    """The alarm on missing checks would ring if a day without a rotation counted nothing."""
    if not rotated:
        world.call("key_rotation", event("key_rotation"))
        capsys.readouterr()
    assert world.call("key_rotation", event("key_rotation"))["rotated"] is rotated
    assert "SigningKeyChecked" in capsys.readouterr().out


def test_the_event_of_the_key_rotation_rotates_the_key(world: World) -> None:
    assert world.call("key_rotation", event("key_rotation"))["rotated"] is True
