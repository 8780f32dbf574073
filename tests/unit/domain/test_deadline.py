"""When the time for a piece of work is up."""

from datetime import timedelta

import pytest

from tests.fakes.builders import NOW
from trading.domain.deadline import NEVER, Deadline, OutOfTimeError


def test_a_deadline_is_over_once_its_time_has_passed() -> None:
    now = [NOW]
    deadline = Deadline.after(timedelta(seconds=5), lambda: now[0])
    deadline.check()
    now[0] += timedelta(seconds=5)
    assert deadline.is_over
    with pytest.raises(OutOfTimeError):
        deadline.check()


def test_the_sooner_of_two_deadlines_counts() -> None:
    over = Deadline(timedelta)
    assert NEVER.or_sooner(over).is_over
    assert over.or_sooner(NEVER).is_over
    assert not NEVER.or_sooner(NEVER).is_over
