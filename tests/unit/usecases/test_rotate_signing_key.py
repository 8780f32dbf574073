"""The key that signs tokens is rotated once in each period."""

from datetime import UTC, datetime, timedelta

from trading.usecases.identity.rotate_signing_key import EPOCH, RotateSigningKey

PERIOD = timedelta(days=30)
BEGAN = EPOCH + 700 * PERIOD


class Keys:
    def __init__(self) -> None:
        self.versions: list[str] = []

    def add(self, version_id: str) -> bool:
        if version_id in self.versions:
            return False
        self.versions.append(version_id)
        return True


def test_a_daily_schedule_rotates_at_the_first_run_of_each_period() -> None:
    rotate = RotateSigningKey(Keys(), "signing-key")
    first = BEGAN + timedelta(hours=7)
    rotated = [day for day in range(90) if rotate(first + timedelta(days=day), PERIOD).rotated]
    assert rotated == [0, 30, 60]


def test_a_missed_run_is_made_up_for_by_the_next_day() -> None:
    rotate = RotateSigningKey(Keys(), "signing-key")
    rotate(BEGAN, PERIOD)
    assert rotate(BEGAN + PERIOD + timedelta(days=3), PERIOD).rotated
    assert not rotate(BEGAN + PERIOD + timedelta(days=4), PERIOD).rotated


def test_an_operator_rotates_at_any_time_and_once_for_each_event() -> None:
    rotate = RotateSigningKey(Keys(), "signing-key")
    rotate(BEGAN, PERIOD)
    by_hand = datetime(2026, 11, 28, 15, 4, tzinfo=UTC)
    assert rotate(by_hand).rotated
    assert not rotate(by_hand).rotated
