"""Every quota can be checked by a reader."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.capacity.quotas import QUOTAS, Quota, Raised

ROOT = Path(__file__).resolve().parents[3]
NAMES = [f"{quota.service}: {quota.name}" for quota in QUOTAS]


@pytest.mark.parametrize("quota", QUOTAS, ids=NAMES)
def test_a_quota_has_a_value_a_unit_a_source_and_a_date(quota: Quota) -> None:
    assert quota.rate > 0
    assert quota.unit
    assert date(2026, 1, 1) < quota.read <= datetime.now(UTC).date()
    if quota.source.startswith("https:"):
        assert re.fullmatch(r"https://docs\.aws\.amazon\.com/[\w/-]+\.html", quota.source)
    else:
        assert quota.raised is Raised.BY_A_SETTING
        assert (ROOT / quota.source).is_file()


def test_every_quota_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize(
    ("service", "least"),
    [
        ("Step Functions", 1),
        ("Lambda", 5),
        ("API Gateway", 4),
        ("SQS", 2),
        ("DynamoDB", 5),
        ("KMS", 1),
        ("Secrets Manager", 1),
        ("CloudWatch Logs", 1),
        ("CloudWatch", 1),
        ("EventBridge Scheduler", 1),
    ],
)
def test_no_service_is_forgotten(service: str, least: int) -> None:
    assert sum(quota.service == service for quota in QUOTAS) >= least
