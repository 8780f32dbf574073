"""The deadline of some work. All code that watches its time uses it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


class OutOfTimeError(Exception):
    """The deadline passed before all of the work was done.

    What is done stands. Another invocation goes on at once.
    """


@dataclass(frozen=True)
class Deadline:
    """When work must stop. time_left: the time until then; it is called for every answer."""

    time_left: Callable[[], timedelta]

    @classmethod
    def after(cls, duration: timedelta, clock: Callable[[], datetime]) -> "Deadline":
        """The deadline this duration from now."""
        end = clock() + duration
        return cls(lambda: end - clock())

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.time_left() <= timedelta()

    def check(self) -> None:
        """Raises OutOfTimeError if no time is left."""
        if self.is_over:
            raise OutOfTimeError

    def or_sooner(self, other: "Deadline") -> "Deadline":
        """The sooner of two deadlines."""
        return Deadline(lambda: min(self.time_left(), other.time_left()))


NEVER = Deadline(lambda: timedelta.max)
"""The deadline of work without a deadline."""
