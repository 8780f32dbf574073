"""Repeatable chance: every roll is a function of the seed and a key."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Dice:
    """Rolls without a sequence: a key gives the same roll in any order and in any process."""

    seed: str

    def roll(self, *key: object) -> Decimal:
        """A number in [0, 1), uniform over keys."""
        digest = hashlib.sha256("\x00".join(map(str, (self.seed, *key))).encode()).digest()
        return Decimal(int.from_bytes(digest[:6], "big")) / 2**48

    def chance(self, rate: Decimal, *key: object) -> bool:
        """Whether an event with this rate (0: never, 1: always) happens."""
        return self.roll(*key) < rate

    def between(self, low: int, high: int, *key: object) -> int:
        """An integer from `low` to `high`, both included."""
        return low + int(self.roll(*key) * (high - low + 1))
