"""Signed HTTP requests to venues, with short time-outs and a few retries with jitter and a budget.
Every call may be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

import urllib3
from botocore.retries.quota import RetryQuota
from tenacity import Retrying, retry_if_exception_type, wait_random

from trading.adapters.venues.answers import bounded_body
from trading.adapters.venues.secrets import VenueSecrets
from trading.adapters.venues.signatures import signed_headers
from trading.usecases.ports import OutcomeUnknownError

CONNECT_TIMEOUT_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 0.2
RETRY_BUDGET, RETRY_COST = 100, 10
"""A worker repeats at most ten calls in a row. After that, it repeats one call for every ten that
are answered. So retries cannot double the load on a venue in trouble.
"""


def pool(read_timeout_seconds: float) -> urllib3.PoolManager:
    """Connections with a time-out. Twice the time-out must fit into the time of the function that
    calls.
    """
    timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=read_timeout_seconds)
    return urllib3.PoolManager(timeout=timeout, retries=False)


class _NoAnswerError(OutcomeUnknownError):
    """No answer came: another try is worthwhile."""


@dataclass(frozen=True)
class VenueHttp:
    """Requests to the API of a venue, signed with the venue's key. `base_url`: key id → address, or
    None for a venue that we do not know. Our requests are idempotent by their ids and may be
    repeated.
    """

    base_url: Callable[[str], str | None]
    secrets: VenueSecrets
    now: Callable[[], datetime]
    pool: urllib3.PoolManager
    budget: RetryQuota = field(default_factory=lambda: RetryQuota(RETRY_BUDGET))
    monotonic: Callable[[], float] = time.monotonic

    def request(
        self,
        key_id: str,
        method: str,
        path: str,
        body: bytes = b"",
        correlation_id: str = "",
        tries: int = 2,
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OutcomeUnknownError if there is no answer, or a 5xx
        other than 503.

        With more than one try, a 503 says nothing about the tries before it.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(_NoAnswerError),
            stop=lambda state: state.attempt_number >= tries or not self.budget.acquire(RETRY_COST),
            wait=wait_random(0, LONGEST_PAUSE_SECONDS),
            reraise=True,
        )
        answer = retrying(self._answered, key_id, method, path, body, correlation_id)
        self.budget.release(1)
        return answer

    def _answered(
        self, key_id: str, method: str, path: str, body: bytes, correlation_id: str
    ) -> tuple[int, bytes]:
        try:
            status, answer = self._once(key_id, method, path, body, correlation_id)
        except urllib3.exceptions.HTTPError as error:
            raise _NoAnswerError(f"{method} {path}: no answer {error!r}"[:300]) from error
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE:
            raise _NoAnswerError(f"{method} {path}: {status} {answer[:200]!r}")
        return status, answer

    def _once(
        self, key_id: str, method: str, path: str, body: bytes, correlation_id: str
    ) -> tuple[int, bytes]:
        secrets = self.secrets.for_key(key_id)
        if not secrets:
            raise OutcomeUnknownError(f"no secret for {key_id}")
        base_url = self.base_url(key_id)
        if base_url is None:
            raise OutcomeUnknownError(f"no address for {key_id}")
        headers = {"Content-Type": "application/json"} | (
            {"X-Correlation-Id": correlation_id} if correlation_id else {}
        )
        headers = signed_headers(
            key_id, secrets[0], int(self.now().timestamp()), method, path, body, headers
        )
        until = self.monotonic() + _longest_answer(self.pool)
        response = self.pool.request(
            method, base_url + path, body=body or None, headers=headers, preload_content=False
        )
        answer = bounded_body(response, lambda: until - self.monotonic())
        if answer is None:
            response.close()
            raise OutcomeUnknownError(f"{method} {path}: {response.status}, an endless answer")
        response.release_conn()
        return response.status, answer


def _longest_answer(pool: urllib3.PoolManager) -> float:
    """In how many seconds an answer must begin and end. The time-outs of the pool are for one
    operation of a socket each.
    """
    timeout = pool.connection_pool_kw["timeout"]
    return float(timeout.connect_timeout + timeout.read_timeout)
