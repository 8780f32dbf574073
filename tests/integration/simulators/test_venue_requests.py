import json
import sys
from pathlib import Path
from typing import Any

import pytest

from simulators.reference import EXCHANGE_IDS
from tests.integration.simulators.world import PREFIX, START, FakeContext, World


@pytest.mark.parametrize(
    ("age_seconds", "status"), [(300, 202), (301, 401), (-300, 202), (-301, 401)]
)
def test_a_signature_is_valid_within_the_replay_window(
    world: World, age_seconds: int, status: int
) -> None:
    assert world.post(world.order(), age_seconds=age_seconds).status == status


def test_the_current_and_the_previous_secret_are_accepted_and_no_older_one(world: World) -> None:
    world.submit()
    world.secrets.put_secret_value(SecretId=f"{PREFIX}XNYS", SecretString="second")
    world.pass_time(2)
    assert world.post(world.order(), secret="second").status == 202
    assert world.post(world.order()).status == 202
    world.secrets.put_secret_value(SecretId=f"{PREFIX}XNYS", SecretString="third")
    world.pass_time(61)
    assert world.post(world.order()).status == 401
    assert world.post(world.order(), secret="second").status == 202


def test_on_aws_callbacks_use_https_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert world.submit().body["code"] == "BAD_CALLBACK_URL"
    secure = "https://abc.execute-api.us-east-1.amazonaws.com/v1/api/v1/exchange/callbacks"
    assert world.submit(callback_url=secure).status == 202


def test_every_exchange_accepts_orders_under_its_own_key(world: World) -> None:
    assert [world.submit(exchange_id).status for exchange_id in EXCHANGE_IDS] == [202] * 4
    world.match()
    assert {report["exchange_id"] for report in world.owner.reports} == set(EXCHANGE_IDS)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("exchange_api", {"status": "NEW", "leaves_quantity": 100}),
        ("depository_api", {"status": "SETTLED", "quantity": 100}),
        ("exchange_matching", {"fills": 0, "failed": 0}),
    ],
)
def test_the_sample_events_have_the_effect_that_they_show(
    world: World, function: str, expected: dict[str, Any]
) -> None:
    world.now = START
    event = json.loads(Path("events", f"{function}.json").read_text())
    answer = sys.modules[f"functions.{function}.handler"].handler(event, FakeContext())
    result = json.loads(answer["body"]) if "body" in answer else answer
    assert expected.items() <= result.items()
