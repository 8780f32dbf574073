"""Requests of pages in browsers: cross-origin resource sharing, for the origins that a deployment
allows. The gateway answers the preflight; see infra/constructs/rest_api.py.
"""

from collections.abc import Collection

REQUEST_HEADERS = (
    "Authorization",
    "Content-Digest",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Signature",
    "Signature-Input",
    "X-Correlation-Id",
)
"""What a page may send."""
EXPOSED_HEADERS = (
    "Accept-Signature",
    "Allow",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "X-Correlation-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "x-amzn-RequestId",
)
"""What a page may read of an answer, beside the headers that every page may read."""


def shared_with(origin: str, allowed: Collection[str]) -> dict[str, list[str]]:
    """The headers that let the page of an allowed origin read the answer. None are added if the
    deployment allows no origin. `Vary` keeps a cache from showing one origin the answer to another.
    """
    if not allowed:
        return {}
    if origin not in allowed:
        return {"Vary": ["Origin"]}
    return {
        "Vary": ["Origin"],
        "Access-Control-Allow-Origin": [origin],
        "Access-Control-Expose-Headers": [", ".join(EXPOSED_HEADERS)],
    }
