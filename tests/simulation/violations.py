"""Invariants that do not hold."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)


class ViolationError(AssertionError):
    """An invariant does not hold.

    `rule` names it. In shrinking, a violation of the same rule counts as the same bug.
    """

    def __init__(self, rule: str, subject: str, message: str) -> None:
        super().__init__(f"{rule}: {subject}: {message}")
        self.rule = rule


def equal(rule: str, subject: str, actual: Any, expected: Any) -> None:
    """Raise ViolationError unless both are equal."""
    if actual != expected:
        raise ViolationError(rule, subject, f"{actual} instead of {expected}")


def check_version(name: str, before: Mapping[str, Any] | None, item: Mapping[str, Any]) -> None:
    """Raise ViolationError unless an item's version is one higher than the version it replaced."""
    old = before["version"] if before else 0
    if item["version"] != old + 1:
        raise ViolationError(
            "no update is lost", name, f"version {old} was replaced by {item['version']}"
        )
