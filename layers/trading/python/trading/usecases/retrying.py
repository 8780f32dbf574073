"""Optimistic concurrency: a use case that lost a race starts over on fresh state."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from trading.usecases.ports import StaleError

P = ParamSpec("P")
R = TypeVar("R")


def on_fresh_state(use_case: Callable[P, R]) -> Callable[P, R]:
    """On a StaleError, run the use case again, 8 times in all with full jitter.

    After the last time the StaleError reaches the caller. The use case must read everything that it
    writes. What it does outside the books must be repeatable.
    """
    return retry(
        retry=retry_if_exception_type(StaleError),
        wait=wait_random_exponential(multiplier=0.01, max=0.4),
        stop=stop_after_attempt(8),
        reraise=True,
    )(use_case)
