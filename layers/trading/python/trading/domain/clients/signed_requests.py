"""The rules for signed requests: what a signature must cover, how old it may be, and in which form
path and query are signed. The signature itself is an HTTP Message Signature (RFC 9421).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote, unquote

from trading.domain import patterns

COVERED = ("@method", "@path", "@query", "authorization", "idempotency-key")
"""What a signature covers. `authorization` binds it to the token."""
LOG_IN_COVERED = tuple(name for name in COVERED if name != "authorization")
"""A log-in has no token yet."""
DIGEST = "content-digest"
"""Is covered too if there is a body (RFC 9530)."""
LABEL = "sig1"
ALGORITHM = "ed25519"
LONGEST_AGE = timedelta(minutes=5)
LONGEST_AHEAD = timedelta(seconds=30)
"""How far the clock of a caller may be ahead of ours."""
NONCE_KEPT_FOR = LONGEST_AGE + LONGEST_AHEAD + timedelta(minutes=4)
"""Longer than any signature with the nonce is valid, whatever the clocks of two workers say."""


class SignedMessage(NamedTuple):
    """The parts of a request that a signature can cover. Each value of a query parameter and of a
    header stands apart.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Sequence[tuple[str, str]]

    @property
    def target(self) -> str:
        """Path and query as they are signed."""
        query = query_of(self.query)
        return f"{path_of(self.path)}{'?' if query else ''}{query}"


class SignatureError(Exception):
    """The signature of a request is not valid. The text tells the caller what is wrong."""


def path_of(path: str) -> str:
    """The path of a request as it is signed: that of the API documents, without the stage. Only
    what must be is percent-encoded.
    """
    return quote(unquote(path), safe="/:@!$&'()*+,;=")


def query_of(parameters: Iterable[tuple[str, str]]) -> str:
    """The query of a request as it is signed, without the question mark: sorted by names and
    values, and percent-encoded except for the unreserved characters of RFC 3986. API Gateway tells
    the parameters only, and not how they were written.
    """
    pairs = sorted(parameters)
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


def check_times(created: object, expires: object, now: datetime) -> None:
    """Check the times of a signature, in Unix seconds. Raises SignatureError."""
    if not isinstance(created, int):
        raise SignatureError("The signature has no time of creation: `created` is missing.")
    age, longest = int(now.timestamp()) - created, int(LONGEST_AGE.total_seconds())
    if age > longest:
        raise SignatureError(
            f"The signature is too old: {age} s, and {longest} s are allowed. Sign each request "
            "anew when you send it."
        )
    if -age > LONGEST_AHEAD.total_seconds():
        raise SignatureError(f"The signature was created {-age} s in the future. Check your clock.")
    if expires is not None and (not isinstance(expires, int) or expires <= now.timestamp()):
        raise SignatureError("The signature has expired: see its parameter `expires`.")


def check_nonce(nonce: object) -> str:
    """The nonce of a signature. Raises SignatureError if it has none, or another form."""
    if not isinstance(nonce, str) or not re.fullmatch(patterns.NONCE, nonce):
        raise SignatureError(
            f"`nonce` takes {patterns.NONCE_CHARACTERS}. Make a new one each time."
        )
    return nonce
