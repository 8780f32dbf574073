"""Optimistic concurrency: a use case that lost a race is started over on fresh state."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from trading.usecases.ports import StaleError

P = ParamSpec("P")
R = TypeVar("R")


def on_fresh_state(use_case: Callable[P, R]) -> Callable[P, R]:
    """Run again, from its reads, up to 8 times with full jitter; then StaleError reaches the
    caller.

    Right for what reads all it writes and has no effect outside the books that cannot be repeated.
    """
    return retry(
        retry=retry_if_exception_type(StaleError),
        wait=wait_random_exponential(multiplier=0.01, max=0.4),
        stop=stop_after_attempt(8),
        reraise=True,
    )(use_case)
