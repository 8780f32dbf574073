"""Retries of a decision that lost a race."""

from collections.abc import Callable

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential


class ConflictError(Exception):
    """Another writer came first. Load the state again and decide again."""


def retrying(sleep: Callable[[float], None]) -> Retrying:
    """Decide again on fresh state while other writers come first. After the last attempt,
    ConflictError is raised.
    """
    return Retrying(
        retry=retry_if_exception_type(ConflictError),
        stop=stop_after_attempt(8),
        wait=wait_random_exponential(multiplier=0.01, max=0.5),
        sleep=sleep,
        reraise=True,
    )
