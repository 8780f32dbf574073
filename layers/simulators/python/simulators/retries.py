"""How a decision that lost a race is taken again."""

from collections.abc import Callable

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential


class ConflictError(Exception):
    """Somebody else wrote first: load again and decide again."""


def retrying(sleep: Callable[[float], None]) -> Retrying:
    """Decide again on fresh state while others write first; the last ConflictError is raised."""
    return Retrying(
        retry=retry_if_exception_type(ConflictError),
        stop=stop_after_attempt(8),
        wait=wait_random_exponential(multiplier=0.01, max=0.5),
        sleep=sleep,
        reraise=True,
    )
