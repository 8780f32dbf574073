"""Sends execution reports to the order's owner."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import urllib3
from aws_lambda_powertools import Logger

from simulators.adapters.secrets import VenueSecrets
from simulators.problem import Problem
from trading.adapters.venues.signatures import signed_headers
from trading.wire import CALLBACK_PATH, ExecutionReport

TIMEOUT = urllib3.Timeout(connect=1.0, read=3.0)
logger = Logger(child=True)


class CallbackSender:
    """Sends each report as one signed POST. It neither retries nor follows redirects: the session
    decides when to try again.
    """

    def __init__(self, secrets: VenueSecrets, clock: Callable[[], datetime]) -> None:
        self._http = urllib3.PoolManager(timeout=TIMEOUT, retries=False)
        self._secrets = secrets
        self._clock = clock

    def send(self, url: str, report: ExecutionReport) -> bool:
        """Send a report. True means that the owner answered 200, so the report is durable there."""
        body = report.model_dump_json().encode()
        secret = self._secrets.current(report.exchange_id)
        timestamp = int(self._clock().timestamp())
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": report.idempotency_key,
            "X-Correlation-Id": report.correlation_id,
        }
        headers = signed_headers(
            report.exchange_id, secret, timestamp, "POST", CALLBACK_PATH, body, headers
        )
        facts = {"correlation_id": report.correlation_id, "execution_id": report.execution_id}
        try:
            status = self._http.request("POST", url, body=body, headers=headers).status
        except urllib3.exceptions.HTTPError as error:
            logger.warning("no answer to a report", extra={**facts, "error": type(error).__name__})
            return False
        if status == 401:
            self._secrets.refresh(report.exchange_id)
        if status != 200:
            logger.warning("a report was not taken", extra={**facts, "status": status})
        return status == 200


def check_callback_url(url: str, plain_http_allowed: bool) -> None:
    """Raise Problem 422 unless the URL can receive reports. Its path must end with the one that the
    signature covers.
    """
    schemes = ("https", "http") if plain_http_allowed else ("https",)
    try:
        parts = urlsplit(url)
        reachable = (
            parts.scheme in schemes and parts.hostname and not parts.username and parts.port != 0
        )
    except ValueError:
        reachable = False
    if not reachable or parts.query or parts.fragment or not parts.path.endswith(CALLBACK_PATH):
        raise Problem(
            422,
            "BAD_CALLBACK_URL",
            f"callback_url must be {schemes[0]} and end with {CALLBACK_PATH}",
        )
